"""A file that the user brought, on an account without metadata: nothing tells whose a job is."""

import os
import random
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
from tests.worker.dying import Death, KilledError, live_until_killed, mortal
from tests.worker.fakes import ACCOUNT, FakeLease, World, refusal

from tuneq_shared.domain.choice import Choice
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.record import document
from tuneq_shared.domain.run import Purchase, Run
from tuneq_shared.ports.items import Asked
from tuneq_shared.retrying import resumed
from tuneq_shared.settings import Limits
from tuneq_worker.commits import may_have_live_job
from tuneq_worker.ports.provider import FileState, JobStatus, RemoteFile
from tuneq_worker.ports.stage import Hold, Sleep, StageResult, Wait
from tuneq_worker.stages.candidates import doubt
from tuneq_worker.stages.create import create
from tuneq_worker.stages.hold import held

FILE = "file-mine"
NOW = 10_000.0


def make_world(redis_url: str, prefix: str, folder: Path) -> World:
    world = World(redis_url, prefix, folder, capabilities={"metadata": False})
    world.provider.files[FILE] = RemoteFile(id=FILE, state=FileState.READY)
    world.provider.contents[FILE] = ("mine.jsonl", b"")
    return world


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return make_world(redis_url, store_prefix, tmp_path)


def strange_job(world: World, status: JobStatus = JobStatus.RUNNING) -> str:
    return world.provider.put_job(None, status, training_file=FILE).id


def submit(world: World, name: str = "one") -> ItemId:
    return world.submit(name=name, training_file=FILE)


def release(world: World, item: ItemId, choice: Choice | None = None) -> None:
    assert world.ports.items.ask([item], Asked.RELEASE, {item: choice} if choice else None)


def a_run(world: World, **fields: object) -> Run:
    request = world.request(training_file=FILE)
    return world.a_run(RunStage.CREATING, request, training_file_id=FILE, **fields)


def look(world: World, run: Run, now: float = NOW) -> StageResult[Run]:
    return create(run, world.ports, FakeLease(now=now))


def test_runs_that_share_it_buy_one_job_each(world: World) -> None:
    runs = [submit(world, name) for name in ("one", "two", "three")]
    world.drive_to_end(*runs)
    assert [world.run(run).stage for run in runs] == [RunStage.SUCCEEDED] * 3
    assert len({world.run(run).job_id for run in runs}) == len(world.provider.jobs) == 3


def test_a_job_of_nobodys_is_asked_about_before_the_first_purchase(world: World) -> None:
    strange_job(world, JobStatus.FAILED)
    other = strange_job(world)
    world.provider.put_job(None, JobStatus.RUNNING, training_file="file-other")
    world.provider.put_job("someone/0", JobStatus.RUNNING, training_file=FILE)
    result = look(world, a_run(world))
    assert isinstance(result, Hold)
    assert (result.item.candidates, result.item.purchase.intent_at) == ((other,), None)
    assert other in result.reason
    assert world.provider.count("create_job") == 0


def test_while_a_creation_is_unanswered_a_new_job_is_asked_about_at_once(world: World) -> None:
    grace = world.settings.purchase_grace_s
    run = a_run(world, purchase=Purchase(0, NOW), disowned=("job-1",))
    strange_job(world)
    assert isinstance(look(world, run, NOW + 1), Wait)
    assert world.provider.count("create_job") == 0
    new = strange_job(world)
    result = look(world, run, NOW + 2)
    assert isinstance(result, Hold)
    assert (result.item.candidates, result.item.purchase) == ((new,), run.purchase)
    del world.provider.jobs[new]
    assert isinstance(look(world, run, NOW + grace - 1), Wait)
    assert isinstance(look(world, run, NOW + grace + 1), Sleep)
    assert world.provider.count("create_job") == 1


def test_a_job_that_may_be_of_another_unanswered_run_is_waited_for(world: World) -> None:
    grace = world.settings.purchase_grace_s
    world.provider.goes_wrong("create_job", refusal(ErrorKind.NETWORK), done=True)
    rival = submit(world, "rival")
    world.drive(lambda: bool(world.provider.jobs))
    result = look(world, a_run(world))
    assert isinstance(result, Wait)
    assert result.waiting is not None
    assert "default/rival" in result.waiting.reason
    assert result.free, "the rival may need it"
    unanswered = a_run(world, purchase=Purchase(0, NOW))
    assert isinstance(look(world, unanswered, NOW + 1), Wait)
    assert isinstance(look(world, unanswered, NOW + grace + 1), Hold)
    assert world.provider.count("create_job") == 1
    world.drive_to(rival, RunStage.HELD)
    assert isinstance(look(world, a_run(world)), Hold), "now it is for an operator"
    release(world, rival, Choice(adopts="job-1"))
    world.drive_to(rival, RunStage.TRAINING)
    assert isinstance(look(world, a_run(world)), Sleep)


def test_what_is_held_before_it_has_bought_keeps_no_slot_from_others(world: World) -> None:
    strange_job(world, JobStatus.SUCCEEDED)
    doubtful = [submit(world, f"n{n}") for n in range(5)]
    other = world.submit(name="other")
    world.drive_to_end(other)
    assert [world.run(item).stage for item in doubtful] == [RunStage.HELD] * 5
    assert world.slots() == (set(), [])
    for item in doubtful:
        release(world, item, Choice(disowns=("job-1",)))
    world.drive_to_end(*doubtful)
    assert len({world.run(item).job_id for item in doubtful}) == 5


def test_what_is_held_unanswered_keeps_its_slot(world: World) -> None:
    world.provider.goes_wrong("create_job", refusal(ErrorKind.NETWORK), done=True)
    item = submit(world)
    world.drive_to(item, RunStage.HELD)
    assert world.slots()[0] == {str(item)}


def test_the_candidate_that_was_chosen_is_adopted(world: World) -> None:
    mine, other = strange_job(world), strange_job(world)
    item = submit(world)
    world.drive_to(item, RunStage.HELD)
    release(world, item, Choice(adopts=mine))
    world.drive_to_end(item)
    run = world.run(item)
    assert (run.stage, run.job_id, run.chosen) == (RunStage.SUCCEEDED, mine, None)
    assert (run.candidates, run.disowned) == ((), (other,))
    assert world.provider.count("create_job") == 0
    assert world.slots() == (set(), [])


def test_what_is_disowned_is_never_asked_about_again(world: World) -> None:
    jobs = strange_job(world), strange_job(world)
    item = submit(world)
    world.drive_to(item, RunStage.HELD)
    world.provider.goes_wrong("create_job", refusal(ErrorKind.SERVER))
    release(world, item, Choice(disowns=jobs))
    world.drive_to_end(item)
    run = world.run(item)
    assert (run.stage, run.job_id, run.disowned) == (RunStage.SUCCEEDED, "job-3", jobs)
    assert world.provider.count("create_job") == 2


def test_a_plain_release_looks_again(world: World) -> None:
    other = strange_job(world)
    item = submit(world)
    world.drive_to(item, RunStage.HELD)
    release(world, item)
    world.round()
    world.drive_to(item, RunStage.HELD)
    assert world.run(item).candidates == (other,)
    del world.provider.jobs[other]
    release(world, item)
    world.drive_to_end(item)
    assert world.provider.count("create_job") == 1


@pytest.mark.parametrize(
    "choice", [Choice(adopts="job-9"), Choice(disowns=("job-9",))], ids=["adopts", "disowns"]
)
def test_a_choice_about_other_jobs_decides_nothing(world: World, choice: Choice) -> None:
    other = strange_job(world)
    run = a_run(world, candidates=(other,))
    run = replace(run, stage=RunStage.HELD, held_from=RunStage.CREATING)
    back = held(run, world.ports, FakeLease(asked=Asked.RELEASE, choice=choice)).item
    assert (back.stage, back.chosen, back.candidates) == (RunStage.CREATING, None, (other,))
    assert isinstance(look(world, back), Hold)


def test_of_two_runs_that_are_given_one_job_not_both_adopt_it(world: World) -> None:
    job = strange_job(world)
    runs = [submit(world, name) for name in ("one", "two")]
    for item in runs:
        world.drive_to(item, RunStage.HELD)
    for item in runs:
        release(world, item, Choice(adopts=job))
    for _ in range(6):
        world.round()
    adopted = [item for item in runs if world.run(item).job_id == job]
    assert len(adopted) < 2
    for item in set(runs) - set(adopted):
        assert world.run(item).stage is RunStage.HELD


def test_a_chosen_job_that_is_gone_or_anothers_is_not_adopted(world: World) -> None:
    world.provider.by_hand = True
    other = submit(world, "other")
    world.drive_to(other, RunStage.TRAINING)
    for chosen, words in (("job-1", "default/other"), ("job-gone", "gone")):
        result = look(world, a_run(world, chosen=chosen))
        assert isinstance(result, Hold)
        assert words in result.reason
        assert result.item.chosen is None


def test_a_cancel_leaves_alone_what_may_be_anothers(world: World) -> None:
    world.provider.goes_wrong("create_job", refusal(ErrorKind.NETWORK), done=True)
    item = submit(world)
    world.drive(lambda: bool(world.provider.jobs))
    world.ports.items.ask([item], Asked.CANCEL)
    world.drive_to_end(item)
    run = world.run(item)
    assert (run.stage, run.candidates) == (RunStage.CANCELLED, ("job-1",))
    assert "job-1" in world.ports.catalogue.events(item)[-1].message
    assert world.provider.count("cancel_job") == 0


def test_a_cancel_ends_the_job_that_was_chosen(world: World) -> None:
    run = a_run(world, chosen=strange_job(world))
    world.provider.by_hand = True
    item = submit(world)
    world.drive_to(item, RunStage.HELD)
    release(world, item, Choice(adopts=run.chosen or ""))
    world.let_time_pass(grace=False)
    world.drive_to(item, RunStage.CREATING)
    world.ports.items.ask([item], Asked.CANCEL)
    world.drive_to_end(item)
    assert world.run(item).stage is RunStage.CANCELLED
    assert world.provider.jobs[run.chosen or ""].status is JobStatus.CANCELLED


def test_a_run_with_a_chosen_job_is_not_given_up(world: World) -> None:
    run = a_run(world, chosen="job-1")
    assert may_have_live_job(run)
    assert may_have_live_job(replace(run, chosen=None, candidates=("job-1",)))
    assert not may_have_live_job(replace(run, chosen=None))


@pytest.fixture
def archived(world: World) -> ItemId:
    """An archived run that has bought job-1 on the file."""
    run = submit(world)
    world.drive_to_end(run)
    assert world.ports.archive.put_away(world.ports.retention.read([run])) == [True]
    return run


def test_the_job_of_an_archived_run_is_its_without_a_look_at_the_archive(
    world: World, archived: ItemId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.ports.archive, "find", pytest.fail)
    assert isinstance(look(world, a_run(world)), Sleep)
    assert world.provider.count("create_job") == 2
    result = look(world, a_run(world, chosen="job-1"))
    assert isinstance(result, Hold)
    assert f"job-1 was chosen, but is the job of {archived.key}" in result.reason


def test_one_that_has_come_back_has_its_job_as_before(world: World, archived: ItemId) -> None:
    assert world.ports.archive.bring_back(archived)
    assert world.ports.catalogue.archived_followers(ACCOUNT, ["job-1"]) == {}
    result = look(world, a_run(world, chosen="job-1"))
    assert isinstance(result, Hold)
    assert "is the job of default/one" in result.reason
    assert isinstance(look(world, a_run(world)), Sleep)


def test_one_that_is_archived_or_comes_back_during_the_look_is_not_missed(
    world: World, archived: ItemId, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_ids = world.ports.catalogue.run_ids

    def meanwhile(group: str | None = None, *, archived: bool = False) -> list[str]:
        before = run_ids(group, archived=archived)
        if not world.ports.archive.bring_back(item):
            world.ports.archive.put_away(world.ports.retention.read([item]))
            return before if next(late) else run_ids(group, archived=archived)
        return run_ids(group, archived=archived)

    item, late = archived, cycle((False, True))
    monkeypatch.setattr(world.ports.catalogue, "run_ids", meanwhile)
    for _ in range(8):
        result = look(world, a_run(world, chosen="job-1"))
        assert isinstance(result, Hold)
        assert "is the job of" in result.reason
        assert doubt(a_run(world), world.ports).jobs == ()


def test_after_a_loss_of_redis_the_job_of_an_archived_run_is_asked_about(
    world: World, archived: ItemId
) -> None:
    for key in world.redis.scan_iter(f"{world.prefix}:*"):
        world.redis.delete(key)
    result = look(world, a_run(world))
    assert isinstance(result, Hold)
    assert result.item.candidates == ("job-1",)
    assert world.record(archived).stage == RunStage.SUCCEEDED


@pytest.mark.parametrize("seed", range(4))
def test_whoever_dies_and_whatever_goes_unanswered_each_run_ends_with_its_own_job(
    world: World, seed: int
) -> None:
    """An operator who knows which job is whose is told of all that cannot be known without."""
    luck = random.Random(seed)
    runs = {
        name: world.submit(name=name, suffix=name, training_file=FILE)
        for name in ("one", "two", "three", "four")
    }

    def decide() -> bool:
        for name, item in runs.items():
            run = world.run(item)
            if run.stage is RunStage.HELD and world.record(item).asked is None:
                own = [j for j in run.candidates if world.provider.specs[j].suffix == name]
                choice = Choice(adopts=own[0]) if own else Choice(disowns=run.candidates)
                release(world, item, choice)
        return all(map(world.ended, runs.values()))

    for _ in range(150):
        if luck.random() < 0.5:
            error = refusal(ErrorKind.NETWORK)
            world.provider.goes_wrong("create_job", error, done=luck.random() < 0.6)
        ports = world.ports
        if luck.random() < 0.5:
            ports = mortal(world, Death(luck.randrange(20), after=luck.random() < 0.5))
        with suppress(KilledError):
            world.round(ports, grace=luck.random() < 0.5)
        if decide():
            break
    assert len(world.provider.jobs) == len(runs)
    for name, item in runs.items():
        run = world.run(item)
        assert run.stage is RunStage.SUCCEEDED, run.waiting
        assert world.provider.specs[run.job_id or ""].suffix == name


@pytest.mark.parametrize("anew", [False, True], ids=["adopts", "disowns"])
def test_a_choice_survives_death_at_any_side_effect(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, anew: bool
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)

    def live(death: Death) -> None:
        name = uuid.uuid4().hex
        world = make_world(redis_url, f"test-{name}", tmp_path / name)
        world.provider.course = [JobStatus.RUNNING, JobStatus.SUCCEEDED]
        job = strange_job(world)
        item = submit(world)
        world.drive_to(item, RunStage.HELD)
        release(world, item, Choice(disowns=(job,)) if anew else Choice(adopts=job))
        live_until_killed(world, death, lambda: world.ended(item))
        if anew and len(world.provider.jobs) == 2 and world.run(item).job_id is None:
            # Bought, but not noted: an operator must say so.
            world.drive(lambda: world.run(item).stage is RunStage.HELD or world.ended(item))
            if world.run(item).stage is RunStage.HELD:
                assert world.run(item).candidates == ("job-2",)
                release(world, item, Choice(adopts="job-2"))
        world.drive_to_end(item)
        run = world.run(item)
        assert run.stage is RunStage.SUCCEEDED, death.at
        assert run.job_id == ("job-2" if anew else job)
        assert world.provider.count("create_job") == int(anew)

    unharmed = Death()
    live(unharmed)
    for death in deaths(unharmed):
        live(death)


def deaths(unharmed: Death) -> Iterator[Death]:
    for place, name in enumerate(unharmed.seen):
        yield Death(place)
        if name == "create_job":
            yield Death(place, after=True)


@pytest.mark.parametrize("anew", [False, True], ids=["adopts", "disowns"])
def test_several_jobs_that_bear_a_purchase_are_decided_about_alike(
    redis_url: str, store_prefix: str, tmp_path: Path, *, anew: bool
) -> None:
    world = World(redis_url, store_prefix, tmp_path)
    item = world.submit()
    jobs = tuple(world.provider.put_job(f"{item.key}/0", JobStatus.RUNNING).id for _ in range(2))
    world.drive_to(item, RunStage.HELD)
    assert world.run(item).candidates == jobs
    release(world, item, Choice(disowns=jobs) if anew else Choice(adopts=jobs[1]))
    world.drive_to_end(item)
    run = world.run(item)
    assert (run.stage, run.job_id) == (RunStage.SUCCEEDED, "job-3" if anew else jobs[1])
    assert run.disowned == (jobs if anew else jobs[:1])


@pytest.mark.parametrize("released", [True, False], ids=["released", "cancelled"])
def test_jobs_older_than_a_run_that_was_made_anew_are_found_every_time(
    redis_url: str, store_prefix: str, tmp_path: Path, *, released: bool
) -> None:
    """After a loss of Redis the run is younger than its jobs."""
    world = World(redis_url, store_prefix, tmp_path)
    item = world.submit()
    for _ in range(2):
        job = world.provider.put_job(f"{item.key}/0", JobStatus.RUNNING)
        world.provider.jobs[job.id] = replace(job, created_at=job.created_at - 86_400)
    world.drive_to(item, RunStage.HELD)
    if released:
        world.provider.set_job("job-1", JobStatus.CANCELLED)
        release(world, item)
    else:
        world.ports.items.ask([item], Asked.CANCEL)
    world.drive_to_end(item)
    assert world.run(item).stage is (RunStage.SUCCEEDED if released else RunStage.CANCELLED)
    assert world.provider.jobs["job-1"].status is JobStatus.CANCELLED
    assert world.provider.active() == []
    assert world.provider.count("create_job") == 0


def test_a_run_in_doubt_and_its_rival_do_not_wait_for_each_others_slot(
    redis_url: str, store_prefix: str, tmp_path: Path
) -> None:
    fields = {"capabilities": {"metadata": False}, "limits": Limits(max_active_jobs=1)}
    world = World(redis_url, store_prefix, tmp_path, **fields)
    world.provider.by_hand = True
    for file_id in (FILE, "file-other"):
        world.provider.files[file_id] = RemoteFile(id=file_id, state=FileState.READY)
    world.provider.goes_wrong("create_job", refusal(ErrorKind.NETWORK), done=True)
    rival = submit(world, "rival")
    world.drive(lambda: world.run(rival).purchase.intent_at is not None)
    world.ports.items.ask([rival], Asked.CANCEL)
    world.drive_to(rival, RunStage.CANCELLED)
    world.provider.set_job("job-1", JobStatus.SUCCEEDED)
    busy = world.submit(name="busy", training_file="file-other")
    world.drive_to(busy, RunStage.TRAINING)
    record = world.record(rival)
    again = resumed(world.run(rival))
    assert world.ports.items.revive(record, again.stage, document(again), "retried")
    doubtful = world.submit(name="doubtful", training_file=FILE, priority="high")
    world.provider.set_job(world.run(busy).job_id or "", JobStatus.SUCCEEDED)
    world.drive(lambda: {world.run(each).stage for each in (rival, doubtful)} == {RunStage.HELD})
    assert world.provider.count("create_job") == 2
