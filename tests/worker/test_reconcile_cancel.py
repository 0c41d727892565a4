"""Reconciling without and with --cancel, against a real store."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.worker.fakes import ACCOUNT, refusal
from tests.worker.reconcile_books import LOST, BooksWorld

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.record import Record
from tuneq_shared.domain.run import Purchase
from tuneq_worker.ports.provider import Job, JobStatus
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
