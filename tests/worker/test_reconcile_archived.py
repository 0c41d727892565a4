"""Jobs of archived runs have their owners, whatever is asked."""

from pathlib import Path

import pytest
from tests.worker.fakes import ACCOUNT
from tests.worker.reconcile_books import BooksWorld

from tuneq_worker.ports.provider import JobStatus
from tuneq_worker.reconcile.reconciling import AccountReport, reconcile
from tuneq_worker.reconcile.standing import Standing
from tuneq_worker.retention.pruning import prune


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> BooksWorld:
    """An archived run whose job goes on, though nobody knows why."""
    world = BooksWorld(redis_url, store_prefix, tmp_path)
    run, job = world.bought(name="one")
    world.books.set_job(job.id, JobStatus.SUCCEEDED)
    world.drive_to_end(run)
    assert prune(world.ports, 0.0).runs == 1
    world.books.set_job(job.id, JobStatus.RUNNING)
    return world


def owned(world: BooksWorld) -> AccountReport:
    report = reconcile(ACCOUNT, world.ports, cancels=True, adopts=True)
    (finding,) = report.findings
    assert finding.verdict.standing is Standing.OWNED
    assert world.books.count("cancel_job") == 0
    assert world.ports.catalogue.run_ids() == []
    assert report.ok
    return report


def test_the_job_of_an_archived_run_is_owned(world: BooksWorld) -> None:
    owned(world)


def test_also_after_a_loss_of_redis(world: BooksWorld) -> None:
    for key in world.redis.scan_iter(f"{world.prefix}:*"):
        world.redis.delete(key)
    owned(world)


def test_also_where_its_file_cannot_be_read(world: BooksWorld) -> None:
    (path,) = (Path(world.ports.data.url) / "archive" / "runs").rglob("*.json")
    path.write_bytes(b"{")
    (finding,) = owned(world).findings
    assert f"{path.name} cannot be read" in finding.verdict.note


def test_also_where_the_archive_is_not_to_be_found(world: BooksWorld) -> None:
    (Path(world.ports.data.url) / "archive").rename(Path(world.ports.data.url) / "elsewhere")
    (finding,) = owned(world).findings
    assert "not under this data root" in finding.verdict.note
