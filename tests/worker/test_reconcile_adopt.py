"""Rebuilding runs from their jobs, against a real store."""

from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, MODEL
from tests.worker.reconcile_books import LOST, BooksWorld

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.intake import new_run
from tuneq_shared.ports.items import Creation
from tuneq_worker.ports.provider import Job, JobStatus
from tuneq_worker.reconcile.reconciling import AccountReport, reconcile

ITEM = ItemId(Kind.RUN, LOST)


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> BooksWorld:
    return BooksWorld(redis_url, store_prefix, tmp_path)


def adopt(world: BooksWorld, *, cancels: bool = False) -> AccountReport:
    return reconcile(ACCOUNT, world.ports, cancels=cancels, adopts=True)


def deeds(report: AccountReport) -> dict[str, str]:
    return {finding.job.id: finding.deed for finding in report.findings}


def is_here(world: BooksWorld) -> bool:
    return world.ports.catalogue.read([ITEM]) != [None]


def test_an_active_orphan_gets_its_run_back_which_follows_it_to_the_end(world: BooksWorld) -> None:
    job = world.job(f"{LOST}/2")
    report = adopt(world)
    assert report.ok
    assert deeds(report) == {job.id: f"adopted as g/n-{LOST}"}
    run = world.run(ITEM)
    assert (run.stage, run.job_id, run.purchase.n) == (RunStage.TRAINING, job.id, 2)
    assert (run.request.group, run.name) == ("g", f"n-{LOST}")
    assert (run.request.model, run.request.training_file) == (MODEL, "file-abc")
    assert world.ports.catalogue.find_run(f"g/n-{LOST}") == LOST
    assert any("request was lost" in e.message for e in world.ports.catalogue.events(ITEM))
    world.drive_to_end(ITEM)
    run = world.run(ITEM)
    assert run.stage is RunStage.SUCCEEDED
    assert run.fine_tuned_model
    assert run.artifacts
    assert world.books.count("create_job") == 0


def test_a_succeeded_orphan_is_collected(world: BooksWorld) -> None:
    world.job(f"{LOST}/0", JobStatus.SUCCEEDED)
    assert adopt(world).ok
    assert world.slots() == (set(), [])
    world.drive_to_end(ITEM)
    assert world.run(ITEM).stage is RunStage.SUCCEEDED


def test_adopted_jobs_count_as_active(world: BooksWorld) -> None:
    runs = [LOST[:-1] + last for last in "abc"]
    for run in runs:
        world.job(f"{run}/0")
    world.books.by_hand = True
    assert adopt(world).ok
    held, line = world.slots()
    assert len(held) == 2  # which is the cap
    assert len(line) == 1
    newcomer = world.submit()
    world.drive_to(newcomer, RunStage.CREATING)
    for job in list(world.books.jobs.values())[:2]:
        world.books.set_job(job.id, JobStatus.SUCCEEDED)
    world.drive_to(newcomer, RunStage.TRAINING)
    assert world.books.count("create_job") == 1


def test_adopting_again_changes_nothing(world: BooksWorld) -> None:
    world.job(f"{LOST}/0")
    adopt(world)
    before = world.record(ITEM)
    report = adopt(world, cancels=True)
    assert report.counts["owned"] == 1
    assert world.record(ITEM).doc == before.doc
    assert world.books.count("cancel_job") == 0


def test_killed_after_the_run_was_made_it_is_whole_all_the_same(
    world: BooksWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = world.job(f"{LOST}/0")
    with monkeypatch.context() as patched:
        patched.setattr(
            type(world.ports.items), "claim", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            adopt(world)
    assert adopt(world).counts["owned"] == 1
    assert world.run(ITEM).request.labels == {"tuneq_rebuilt_from": job.id}
    world.drive_to_end(ITEM)
    assert world.run(ITEM).stage is RunStage.SUCCEEDED


def test_of_several_purchases_the_last_one_counts(world: BooksWorld) -> None:
    first = world.job(f"{LOST}/0", JobStatus.FAILED)
    second = world.job(f"{LOST}/1")
    report = adopt(world)
    assert deeds(report) == {first.id: "", second.id: f"adopted as g/n-{LOST}"}
    assert report.counts["owned"] == 2


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"training_file": None}, "training file"),
        ({"training_file": "data:other.jsonl"}, "training file"),
        ({"training_file": "../../etc/passwd"}, "training file"),
        ({"training_file": "data:../x"}, "under the data root"),
        ({"model": ""}, "damaged: model"),
        ({"labels": {"tuneq_group": "no/such", "tuneq_name": "n"}}, "damaged: group"),
        ({"labels": {"tuneq_group": "g", "tuneq_name": "taken"}}, "another run of the name taken"),
        ({"status": JobStatus.FAILED}, "without a model"),
        ({"status": JobStatus.CANCELLED}, "without a model"),
    ],
)
def test_what_cannot_be_rebuilt_is_left_and_said(
    world: BooksWorld, fields: dict[str, Any], why: str
) -> None:
    world.submit(group="g", name="taken")
    job = world.job(f"{LOST}/0", **fields)
    report = adopt(world, cancels=True)
    assert deeds(report)[job.id].startswith("not adopted: ")
    assert why in deeds(report)[job.id]
    assert not is_here(world)
    assert world.books.count("cancel_job") == 0
    assert report.ok is job.status.is_terminal


def test_several_active_jobs_of_one_purchase_are_for_people_to_judge(world: BooksWorld) -> None:
    jobs = [world.job(f"{LOST}/0"), world.job(f"{LOST}/0")]
    report = adopt(world)
    assert set(deeds(report).values()) == {"not adopted: several jobs bear this purchase"}
    assert not is_here(world)
    world.books.set_job(jobs[0].id, JobStatus.CANCELLED)
    assert deeds(adopt(world))[jobs[1].id] == f"adopted as g/n-{LOST}"


def test_a_run_without_a_name_and_a_job_without_labels_get_the_defaults(world: BooksWorld) -> None:
    other = LOST[:-1] + "e"
    world.job(f"{LOST}/0", labels={"tuneq_group": "g", "tuneq_name": LOST})
    world.job(f"{other}/0", labels={})
    assert adopt(world).ok
    assert (world.run(ITEM).request.name, world.run(ITEM).name) == (None, LOST)
    assert world.run(ItemId(Kind.RUN, other)).request.group == "default"


def test_submitting_the_request_again_is_the_better_way_and_after_an_adoption_a_conflict(
    world: BooksWorld,
) -> None:
    request = world.request(name="one")
    new = new_run(request)
    job = lost_job(world, new.item)
    assert world.ports.items.create([new]) == [Creation.CREATED]
    world.drive_to(new.item, RunStage.TRAINING)
    assert world.run(new.item).job_id == job.id
    assert world.books.count("create_job") == 0
    other = new_run(world.request(name="two"))
    lost_job(world, other.item)
    assert adopt(world).ok
    before = world.run(other.item)
    assert world.ports.items.create([other]) == [Creation.OTHER_CONTENT]
    assert world.run(other.item) == before


def lost_job(world: BooksWorld, item: ItemId) -> Job:
    world.books.by_hand = True
    return world.job(f"{item.key}/0")
