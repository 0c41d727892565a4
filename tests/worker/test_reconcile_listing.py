"""All jobs of an account, against servers that differ."""

from typing import Any

import pytest
from tests.worker.openai_support import JOBS, Asked, Reply, ScriptedServer, job_document, page

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.openai import caller


def serve(jobs: list[dict[str, Any]], size: int = 100) -> ScriptedServer:
    """A listing, newest first, in pages of that size."""

    def answer(asked: Asked) -> Reply:
        assert asked.path == JOBS
        after = asked.query.get("after")
        start = [job["id"] for job in jobs].index(after) + 1 if after else 0
        return page(jobs[start : start + size], more=len(jobs) > start + size)

    return ScriptedServer(answer)


def test_every_page_is_read_and_labels_are_told_apart_from_the_purchase() -> None:
    metadata = {"tuneq_purchase": "run/1", "tuneq_group": "g", "odd": 7}
    jobs = [job_document(f"ftjob-{n}", created_at=100 - n) for n in range(5)]
    jobs.append(job_document("ftjob-ours", created_at=1, metadata=metadata))
    with serve(jobs, size=2) as server:
        listed = list(server.provider().all_jobs())
    assert [job.id for job in listed] == [job["id"] for job in jobs]
    assert len(server.asked) == 3
    assert all("metadata" not in name for asked in server.asked for name in asked.query)
    assert (listed[0].purchase, listed[0].labels) == (None, {})
    assert (listed[-1].purchase, listed[-1].labels) == ("run/1", {"tuneq_group": "g"})


def test_a_foreign_job_that_cannot_be_read_is_left_out() -> None:
    with serve([job_document("ftjob-a", status=None), job_document("ftjob-b")]) as server:
        assert [job.id for job in server.provider().all_jobs()] == ["ftjob-b"]


def test_one_of_ours_that_cannot_be_read_is_an_error() -> None:
    odd = job_document("ftjob-a", status=None, metadata={"tuneq_purchase": "run/1"})
    with serve([odd]) as server, pytest.raises(ProviderError) as caught:
        list(server.provider().all_jobs())
    assert caught.value.kind is ErrorKind.MALFORMED


def test_a_listing_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller, "MAX_PAGES", 3)
    jobs = [job_document(f"ftjob-{n}") for n in range(9)]
    with serve(jobs, size=1) as server, pytest.raises(ProviderError, match="did not end"):
        list(server.provider().all_jobs())
