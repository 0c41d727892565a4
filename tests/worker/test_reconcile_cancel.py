"""Reconciling without and with --cancel, against a real store."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.worker.fakes import ACCOUNT, refusal
from tests.worker.reconcile_books import LOST, BooksWorld

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.record import Record
from tuneq_shared.domain.run import Purchase
from tuneq_shared.ports.items import Asked
from tuneq_worker.ports.provider import FileState, Job, JobStatus, RemoteFile
from tuneq_worker.reconcile import rendering
from tuneq_worker.reconcile.reconciling import AccountReport, reconcile


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> BooksWorld:
    return BooksWorld(redis_url, store_prefix, tmp_path)


def look(world: BooksWorld, *, cancels: bool = False, adopts: bool = False) -> AccountReport:
    return reconcile(ACCOUNT, world.ports, cancels=cancels, adopts=adopts)


def counts(report: AccountReport) -> dict[str, int]:
    return {word: count for word, count in report.counts.items() if count}


def deed_on(report: AccountReport, job: Job) -> str:
    return next(finding.deed for finding in report.findings if finding.job.id == job.id)


def is_active(world: BooksWorld, job: Job) -> bool:
    return not world.books.jobs[job.id].status.is_terminal


def test_where_every_job_has_its_run_all_is_well(world: BooksWorld) -> None:
    world.bought(name="one")
    world.bought(name="two")
    world.job(None)
    world.job("somebody else's word")
    report = look(world, cancels=True, adopts=True)
    assert counts(report) == {"owned": 2, "foreign": 2}
    assert report.ok
    assert world.books.count("cancel_job") == 0
    assert all(not job.status.is_terminal for job in world.books.jobs.values())


def test_a_second_job_of_a_purchase_is_listed_and_cancelled_on_wish(world: BooksWorld) -> None:
    _, own = world.bought()
    second = world.job(own.purchase)
    report = look(world)
    assert counts(report) == {"owned": 1, "surplus": 1}
    assert not report.ok
    assert is_active(world, second)
    report = look(world, cancels=True)
    assert report.ok
    assert deed_on(report, second) == "cancelled"
    assert is_active(world, own)
    assert not is_active(world, second)
    assert counts(look(world, cancels=True)) == {"owned": 1, "surplus": 1}
    assert world.books.count("cancel_job") == 1


def test_orphans_are_cancelled_on_wish(world: BooksWorld) -> None:
    active, ended = world.job(f"{LOST}/0"), world.job(f"{LOST}/1", JobStatus.FAILED)
    assert not look(world).ok
    assert is_active(world, active)
    report = look(world, cancels=True)
    assert report.ok
    assert counts(report) == {"orphan": 2}
    assert (deed_on(report, active), deed_on(report, ended)) == ("cancelled", "")


@pytest.mark.parametrize("stage", [RunStage.CREATING, RunStage.HELD])
def test_nothing_is_cancelled_of_a_run_that_has_no_job_yet(
    world: BooksWorld, stage: RunStage
) -> None:
    item = world.submit()
    world.drive_to(item, RunStage.CREATING)
    world.change(item, stage, purchase=Purchase(0, 5.0))
    world.job(f"{item.key}/0")
    report = look(world, cancels=True)
    assert counts(report) == {"pending": 1}
    assert report.ok
    world.job(f"{item.key}/0")
    report = look(world, cancels=True)
    assert counts(report) == {"surplus": 2}
    assert not report.ok
    assert all("left alone" in finding.verdict.note for finding in report.findings)
    assert world.books.count("cancel_job") == 0


def test_jobs_of_earlier_purchases_are_the_runs_own_once_they_have_ended(world: BooksWorld) -> None:
    item, first = world.bought()
    world.books.set_job(first.id, JobStatus.FAILED)
    world.drive_to(item, RunStage.FAILED)
    world.retry(item)
    world.drive_to(item, RunStage.TRAINING)
    assert counts(look(world)) == {"owned": 2}
    extra = world.job(f"{item.key}/0")
    report = look(world, cancels=True)
    assert counts(report) == {"owned": 1, "surplus": 2}
    assert deed_on(report, extra) == "cancelled"
    assert is_active(world, world.books.jobs[world.run(item).job_id or ""])


def test_a_run_that_is_retried_meanwhile_keeps_the_job_that_it_looks_for(
    world: BooksWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = world.submit()
    world.drive_to(item, RunStage.CREATING)
    world.change(item, RunStage.FAILED)
    job = world.job(f"{item.key}/0")
    read, reads = world.ports.catalogue.read, []

    def read_after_a_retry(items: Sequence[ItemId]) -> list[Record | None]:
        reads.append(items)
        if len(reads) == 2:  # the first is the comparison, this the look before the cancel
            world.retry(item)
        return read(items)

    monkeypatch.setattr(world.ports.catalogue, "read", read_after_a_retry)
    report = look(world, cancels=True)
    assert deed_on(report, job).startswith("not cancelled")
    assert counts(report) == {"pending": 1}
    assert is_active(world, job)


def test_a_run_that_ended_without_its_job_does_not_keep_it_from_being_cancelled(
    world: BooksWorld,
) -> None:
    item = world.submit()
    world.drive_to(item, RunStage.CREATING)
    world.change(item, RunStage.FAILED)
    job = world.job(f"{item.key}/0")
    report = look(world, cancels=True)
    assert deed_on(report, job) == "cancelled"
    assert report.ok


def test_killed_in_the_middle_it_goes_on_when_run_again(world: BooksWorld) -> None:
    jobs = [world.job(f"{LOST}/{n}") for n in range(5)]
    world.books.goes_wrong("cancel_job", None, None, KeyboardInterrupt(), done=True)
    with pytest.raises(KeyboardInterrupt):
        look(world, cancels=True)
    assert sum(is_active(world, job) for job in jobs) == 2
    assert look(world, cancels=True).ok
    assert not any(is_active(world, job) for job in jobs)
    assert world.books.count("cancel_job") == 5


@pytest.mark.parametrize(
    ("error", "deed", "ok", "others"),
    [
        (ErrorKind.NOT_FOUND, "not cancelled: gone at the provider", True, "cancelled"),
        (ErrorKind.BAD_REQUEST, "not cancelled: the provider said bad_request", False, "cancelled"),
        (ErrorKind.RATE, "", False, ""),
        (ErrorKind.NETWORK, "", False, ""),
        (ErrorKind.AUTH, "", False, ""),
    ],
)
def test_a_cancel_that_is_refused_is_said(
    world: BooksWorld, error: ErrorKind, deed: str, ok: bool, others: str
) -> None:
    first, second = world.job(f"{LOST}/0"), world.job(f"{LOST}/1")
    world.books.goes_wrong("cancel_job", refusal(error))
    report = look(world, cancels=True)
    assert (deed_on(report, first), deed_on(report, second)) == (deed, others)
    assert report.ok is ok
    assert (error.value in report.trouble) is not bool(others)


def test_a_cancel_that_takes_its_time_leaves_the_job_open(world: BooksWorld) -> None:
    job = world.job(f"{LOST}/0")
    world.books.cancels_at_once = False
    report = look(world, cancels=True)
    assert deed_on(report, job) == "cancel asked; it is still running"
    assert not report.ok


def test_an_account_that_cannot_be_looked_at_is_said(world: BooksWorld) -> None:
    world.books.goes_wrong("all_jobs", refusal(ErrorKind.AUTH))
    assert look(world).trouble == "auth: the provider said auth"
    world.accounts.has_key = False
    report = look(world)
    assert report.trouble == f"account {ACCOUNT!r} has no key"
    assert not report.ok


def unmarked(redis_url: str, prefix: str, folder: Path) -> BooksWorld:
    world = BooksWorld(redis_url, prefix, folder, capabilities={"metadata": False})
    world.books.first_status = JobStatus.RUNNING
    return world


def test_without_metadata_jobs_are_told_by_runs_and_by_their_own_files(
    redis_url: str, store_prefix: str, tmp_path: Path
) -> None:
    world = unmarked(redis_url, store_prefix, tmp_path)
    world.books.files["file-mine"] = RemoteFile(id="file-mine", state=FileState.READY)
    world.books.contents["file-mine"] = ("mine.jsonl", b"")
    one, own = world.bought(name="one")
    world.bought(name="two", training_file="file-mine")
    second = world.job(None, training_file=own.training_file)
    foreign = world.job(None, training_file="file-mine")
    report = look(world, cancels=True)
    assert counts(report) == {"owned": 2, "surplus": 1, "foreign": 1}
    assert not report.marked
    assert not is_active(world, second)
    assert is_active(world, foreign)
    world.books.set_job(own.id, JobStatus.FAILED)
    world.drive_to(one, RunStage.FAILED)
    world.retry(one)
    earlier = world.job(None, training_file=own.training_file)
    report = look(world)
    assert "earlier" in next(f.verdict.note for f in report.findings if f.job.id == earlier.id)


def test_without_metadata_nothing_is_adopted_and_it_is_said_why(
    redis_url: str, store_prefix: str, tmp_path: Path
) -> None:
    world = unmarked(redis_url, store_prefix, tmp_path)
    world.job(f"{LOST}/0")
    report = look(world, adopts=True)
    assert counts(report) == {"orphan": 1}
    assert "nothing is adopted" in report.trouble
    assert any("keeps no metadata" in line for line in rendering.lines(report))
    assert world.items_of(Kind.RUN) == []


def test_a_job_that_its_run_disowns_may_be_cancelled(world: BooksWorld) -> None:
    item = world.submit()
    job = world.job(f"{item.key}/0")
    run = world.change(item, RunStage.PREPARING, disowned=(job.id,))
    assert counts(look(world)) == {"surplus": 1}
    look(world, cancels=True)
    assert not is_active(world, job)
    assert run.disowned == (job.id,)


@pytest.mark.parametrize("stage", [RunStage.HELD, RunStage.CANCELLED])
def test_a_job_on_anothers_file_is_not_surplus(
    redis_url: str, store_prefix: str, tmp_path: Path, stage: RunStage
) -> None:
    """A request may name a file that was uploaded for another run alone."""
    world = unmarked(redis_url, store_prefix, tmp_path)
    owner, job = world.bought(name="owner")
    world.books.goes_wrong("create_job", refusal(ErrorKind.NETWORK), done=True)
    other = world.submit(name="other", training_file=job.training_file)
    world.drive_to(other, RunStage.HELD)
    if stage is RunStage.CANCELLED:
        world.ports.items.ask([other], Asked.CANCEL)
        world.drive_to_end(other)
    doubtful = next(each for each in world.books.jobs.values() if each.id != job.id)
    look(world, cancels=True)
    assert is_active(world, doubtful)
    assert world.run(owner).job_id == job.id


def test_whose_a_job_is_is_looked_up_right_before_it_is_cancelled(
    redis_url: str, store_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = unmarked(redis_url, store_prefix, tmp_path)
    _, own = world.bought(name="one")
    second = world.job(None, training_file=own.training_file)
    third = world.job(None, training_file=own.training_file)
    really = world.books.cancel_job

    def meanwhile(job_id: str) -> Job:
        if not world.books.count("cancel_job"):
            world.submit(name="two", training_file=own.training_file)
        return really(job_id)

    monkeypatch.setattr(world.books, "cancel_job", meanwhile)
    report = look(world, cancels=True)
    assert deed_on(report, second) == "cancelled"
    assert "not as it was listed" in deed_on(report, third)
    assert is_active(world, third)
