"""`tuneq cancel`, `retry` and `release` on a real store."""

import json
from typing import Any

import pytest
from tests.producer.producer_site import Site

from tuneq_shared.domain.account import AccountState, account_id
from tuneq_shared.domain.choice import Choice
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import AccountStage, RunStage
from tuneq_shared.domain.record import document, fixed_part
from tuneq_shared.ports.items import Commit, NewItem

S = RunStage
TO_SUCCESS = (S.PREPARING, S.UPLOADING, S.CREATING, S.TRAINING, S.COLLECTING, S.SUCCEEDED)


@pytest.fixture
def runs(site: Site) -> list[str]:
    """Three runs of the group g, called n0, n1 and n2."""
    train = site.data("t.jsonl")
    words = ("--train", train, "--model", "m", "--group", "g")
    return [site.ids(*words, "--name", f"n{n}", "--seed", n)[0] for n in range(3)]


def told(site: Site, *words: object) -> tuple[int, list[dict[str, Any]]]:
    result = site.tuneq(*words, "--json")
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def asked(site: Site, run: str) -> str | None:
    (record,) = site.client().catalogue.read([ItemId(Kind.RUN, run)])
    assert record is not None
    return record.asked


def test_cancel_asks_once(site: Site, runs: list[str]) -> None:
    code, (deed,) = told(site, "cancel", "g/n0")
    assert (code, deed["run"], deed["changed"]) == (0, runs[0], True)
    assert asked(site, runs[0]) == "cancel"
    code, (deed,) = told(site, "cancel", runs[0])
    assert (code, deed["changed"], deed["possible"]) == (0, False, True)


def test_cancel_of_a_succeeded_run_is_not_possible(site: Site, runs: list[str]) -> None:
    site.put(runs[0], *TO_SUCCESS)
    result = site.tuneq("cancel", runs[0], runs[1])
    assert result.exit_code == 1
    assert "has ended: succeeded" in result.stdout
    assert asked(site, runs[1]) == "cancel"


def test_cancel_of_a_group_speaks_of_those_that_go_on(site: Site, runs: list[str]) -> None:
    site.put(runs[0], *TO_SUCCESS)
    result = site.tuneq("cancel", "--group", "g")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == runs[1:]
    assert "2 of 3 runs" in result.stderr


@pytest.mark.parametrize("command", ["cancel", "retry", "release"])
def test_an_unknown_run_leaves_with_2_and_nothing_is_done(
    site: Site, runs: list[str], command: str
) -> None:
    result = site.tuneq(command, runs[0], "nobody")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'nobody'" in result.stderr
    assert asked(site, runs[0]) is None
    assert site.tuneq(command).exit_code == 2


def test_retry_takes_up_what_failed(site: Site, runs: list[str]) -> None:
    failure = Failure("internal_error", "it broke", "preparing")
    site.put(runs[0], S.PREPARING, S.FAILED, failure=failure, finished_at=5.0)
    code, (deed,) = told(site, "retry", runs[0])
    assert (code, deed["changed"]) == (0, True)
    again = site.run(runs[0])
    assert (again.stage, again.failure, again.again) == (S.PREPARING, None, True)
    code, (deed,) = told(site, "retry", runs[0])
    assert (code, deed["changed"]) == (0, False)


def test_retry_after_a_job_that_failed_buys_another(site: Site, runs: list[str]) -> None:
    site.put(
        runs[0], S.PREPARING, S.UPLOADING, S.CREATING, S.TRAINING, S.FAILED,
        failure=Failure("job_failed", "it diverged", "training"),
        job_id="ftjob-1", job_status="failed",
    )  # fmt: skip
    result = site.tuneq("retry", "--group", "g")
    assert result.exit_code == 0
    assert "ftjob-1 had ended, so another is bought" in result.stdout
    again = site.run(runs[0])
    assert (again.stage, again.purchase.n, again.job_id) == (S.UPLOADING, 1, None)
    events = site.client().catalogue.events(again.item)
    assert events[-1].message.startswith("retried from uploading")


def test_retry_leaves_a_held_run_to_release(site: Site, runs: list[str]) -> None:
    site.put(runs[0], S.HELD, held_from=S.SUBMITTED)
    result = site.tuneq("retry", runs[0])
    assert result.exit_code == 1
    assert "tuneq release" in result.stdout


def test_retry_of_a_succeeded_run_has_nothing_to_do(site: Site, runs: list[str]) -> None:
    site.put(runs[0], *TO_SUCCESS)
    assert site.tuneq("retry", runs[0]).exit_code == 0
    assert site.run(runs[0]).stage is S.SUCCEEDED


def test_release_asks_held_runs_alone(site: Site, runs: list[str]) -> None:
    site.put(runs[0], S.HELD, held_from=S.SUBMITTED)
    code, deeds = told(site, "release", *runs)
    assert code == 0
    assert [deed["changed"] for deed in deeds] == [True, False, False]
    assert [asked(site, run) for run in runs] == ["release", None, None]


def test_release_of_a_failed_run_is_not_possible(site: Site, runs: list[str]) -> None:
    site.put(runs[0], S.FAILED, failure=Failure("c", "m", "submitted"))
    result = site.tuneq("release", runs[0])
    assert result.exit_code == 1
    assert "tuneq retry" in result.stdout


def test_release_of_an_account(site: Site) -> None:
    code, (deed,) = told(site, "release", "--account", "main")
    assert (code, deed["changed"]) == (0, False)
    client, item = site.client(), account_id("main")
    active = AccountState(id="main", stage=AccountStage.ACTIVE)
    new = NewItem(item=item, stage=active.stage, fixed=fixed_part(active), doc=document(active))
    client.items.create([new])
    assert told(site, "release", "--account", "main")[1][0]["changed"] is False
    claim = client.items.claim(item, 10)
    assert claim is not None
    assert claim.record.asked is None
    client.items.commit(claim, Commit(stage=AccountStage.STOPPED, doc=document(active)))
    assert told(site, "release", "--account", "main")[1][0]["changed"] is True
    (record,) = client.catalogue.read([item])
    assert record is not None
    assert record.asked == "release"


def test_release_of_an_unknown_account_leaves_with_2(site: Site) -> None:
    assert site.tuneq("release", "--account", "nobody").exit_code == 2
    assert site.tuneq("release", "x", "--account", "main").exit_code == 2


def chosen(site: Site, run: str) -> Choice | None:
    (record,) = site.client().catalogue.read([ItemId(Kind.RUN, run)])
    assert record is not None
    return record.choice


@pytest.fixture
def in_doubt(site: Site, runs: list[str]) -> list[str]:
    """Two held runs with candidates, and one that is held for another reason."""
    path = (S.PREPARING, S.UPLOADING, S.CREATING, S.HELD)
    for run in runs[:2]:
        site.put(run, *path, held_from=S.CREATING, candidates=("job-1", "job-2"))
    site.put(runs[2], *path, held_from=S.CREATING)
    return runs


def test_release_with_a_job_chooses_that_candidate(site: Site, in_doubt: list[str]) -> None:
    for _ in range(2):
        code, (deed,) = told(site, "release", "g/n0", "--job", "job-2")
        assert (code, deed["changed"]) == (0, True)
        assert "job-2" in deed["message"]
    assert (asked(site, in_doubt[0]), chosen(site, in_doubt[0])) == ("release", Choice("job-2"))
    assert chosen(site, in_doubt[1]) is None


@pytest.mark.parametrize("run", ["g/n0", "g/n2"])
def test_a_job_that_is_no_candidate_is_refused(site: Site, in_doubt: list[str], run: str) -> None:
    result = site.tuneq("release", run, "--job", "job-9")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "job-9 is not a candidate" in result.stderr
    assert [asked(site, each) for each in in_doubt] == [None] * 3


def test_release_with_the_job_that_a_run_has_does_nothing(site: Site, runs: list[str]) -> None:
    site.put(runs[0], S.PREPARING, S.UPLOADING, S.CREATING, S.TRAINING, job_id="job-1")
    code, (deed,) = told(site, "release", runs[0], "--job", "job-1")
    assert (code, deed["changed"], deed["possible"]) == (0, False, True)
    assert site.tuneq("release", runs[0], "--job", "job-2").exit_code == 2


def test_release_new_disowns_what_each_run_of_a_group_was_seen_with(
    site: Site, in_doubt: list[str]
) -> None:
    code, deeds = told(site, "release", "--group", "g", "--new")
    assert (code, [deed["run"] for deed in deeds]) == (0, in_doubt[:2])
    disowns = Choice(disowns=("job-1", "job-2"))
    assert [chosen(site, run) for run in in_doubt] == [disowns, disowns, None]
    result = site.tuneq("release", in_doubt[2], "--new")
    assert result.exit_code == 1
    assert "has no candidates" in result.stdout
    assert asked(site, in_doubt[2]) is None


def test_a_cancel_wins_over_a_choice(site: Site, in_doubt: list[str]) -> None:
    site.tuneq("release", "g/n0", "--job", "job-1")
    site.tuneq("cancel", "g/n0")
    result = site.tuneq("release", "g/n0", "--new")
    assert result.exit_code == 1
    assert "to be cancelled" in result.stdout
    assert (asked(site, in_doubt[0]), chosen(site, in_doubt[0])) == ("cancel", None)


@pytest.mark.parametrize(
    "words",
    [
        ("g/n0", "--job", "job-1", "--new"),
        ("g/n0", "g/n1", "--job", "job-1"),
        ("--group", "g", "--job", "job-1"),
        ("--account", "main", "--new"),
    ],
)
def test_choices_that_contradict_themselves_are_refused(
    site: Site, in_doubt: list[str], words: tuple[str, ...]
) -> None:
    assert site.tuneq("release", *words).exit_code == 2
    assert [asked(site, each) for each in in_doubt] == [None] * 3


def test_show_lists_candidates_and_how_to_decide(site: Site, in_doubt: list[str]) -> None:
    assert json.loads(site.tuneq("show", "g/n0", "--json").stdout)["candidates"] == [
        "job-1",
        "job-2",
    ]
    shown = " ".join(site.tuneq("show", "g/n0").stdout.split())
    assert "job-1, job-2" in shown
    assert "--job JOB_ID" in shown
    assert "candidates" not in site.tuneq("show", "g/n2").stdout
