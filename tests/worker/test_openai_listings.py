"""Finding jobs in listings, and sweeping them, against servers that differ."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.worker.openai_support import (
    JOBS,
    Asked,
    Reply,
    ScriptedServer,
    job_document,
    page,
    refusal,
)

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.openai import caller
from tuneq_worker.providers.openai.listings import CLOCK_SKEW_S


def many_jobs(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Newest first, one a second, the newest made at 10,000."""
    return [
        job_document(f"ftjob-{number}", created_at=10_000 - number, **fields)
        for number in range(count)
    ]


def listing(
    jobs: list[dict[str, Any]], *, after_ignored: bool = False, limit: int = 100
) -> Callable[[Asked], Reply]:
    """A listing that ignores the metadata filter, and single jobs by id."""
    by_id = {job["id"]: job for job in jobs}

    def answer(asked: Asked) -> Reply:
        if asked.path != JOBS:
            job = by_id.get(asked.path.removeprefix(f"{JOBS}/"))
            return Reply(job) if job else refusal(404, "no such job")
        after = None if after_ignored else asked.query.get("after")
        start = [job["id"] for job in jobs].index(after) + 1 if after else 0
        return page(jobs[start : start + limit], more=len(jobs) > start + limit)

    return answer


def test_find_compares_the_purchase_itself() -> None:
    jobs = [
        *many_jobs(3, metadata={"tuneq_purchase": "run1/2"}),
        job_document("ftjob-a", created_at=9_000, metadata={"tuneq_purchase": "run1/1"}),
        job_document("ftjob-b", created_at=8_999, metadata=None),
        job_document("ftjob-c", created_at=8_998, metadata={"tuneq_purchase": "run1/1"}),
    ]
    with ScriptedServer(listing(jobs)) as server:
        found = server.provider().find_jobs("run1/1", since=9_000)
    assert [job.id for job in found] == ["ftjob-a", "ftjob-c"]
    assert server.asked[0].query["metadata[tuneq_purchase]"] == "run1/1"
    assert server.asked[0].query["limit"] == "100"


def test_find_by_file_compares_the_file_and_asks_for_no_metadata() -> None:
    jobs = [
        *many_jobs(120, training_file="file-other"),
        job_document("ftjob-a", created_at=9_000, training_file="file-mine", metadata=None),
        job_document("ftjob-b", created_at=8_999, training_file=None),
    ]
    with ScriptedServer(listing(jobs)) as server:
        (found,) = server.provider().find_jobs_on("file-mine", since=None)
        assert (found.id, found.training_file, found.purchase) == ("ftjob-a", "file-mine", None)
        assert server.provider().find_jobs_on("file-mine", since=30_000) == []
    assert len(server.asked) == 3
    assert all("metadata" not in name for asked in server.asked for name in asked.query)


def test_a_job_on_the_file_that_cannot_be_read_is_an_error() -> None:
    odd = job_document("ftjob-a", status=None, training_file="file-mine")
    with ScriptedServer(listing([odd])) as server, pytest.raises(ProviderError) as caught:
        server.provider().find_jobs_on("file-mine", since=None)
    assert caught.value.kind is ErrorKind.MALFORMED


def test_find_stops_an_hour_past_since() -> None:
    jobs = many_jobs(1_000)
    with ScriptedServer(listing(jobs)) as server:
        server.provider().find_jobs("run1/1", since=9_850 + CLOCK_SKEW_S)
    assert len(server.asked) == 3  # 10,000-9,901 and 9,900-9,801 hold newer ones, the third none


def test_find_reads_on_where_the_oldest_come_first() -> None:
    wanted = {"tuneq_purchase": "run1/1"}
    jobs = [*many_jobs(250)[::-1], job_document("ftjob-new", created_at=20_000, metadata=wanted)]
    with ScriptedServer(listing(jobs)) as server:
        found = server.provider().find_jobs("run1/1", since=20_000)
    assert [job.id for job in found] == ["ftjob-new"]


def test_a_server_that_ignores_after_is_asked_twice() -> None:
    answer = listing(many_jobs(100), after_ignored=True)
    with ScriptedServer(lambda asked: Reply({"data": answer(asked).body["data"]})) as server:
        assert server.provider().find_jobs("run1/1", since=0) == []
    assert len(server.asked) == 2


def test_a_listing_that_says_it_goes_on_and_does_not_is_not_taken_for_whole() -> None:
    last_without_id = [*many_jobs(3), {"object": "fine_tuning.job", "metadata": None}]
    for answer in (
        listing(many_jobs(300), after_ignored=True),
        lambda _: page([], more=True),
        lambda _: page(last_without_id, more=True),
    ):
        with ScriptedServer(answer) as server, pytest.raises(ProviderError) as caught:
            server.provider().find_jobs("run1/1", since=None)
        assert caught.value.kind is ErrorKind.MALFORMED


def test_sweep_asks_singly_where_the_listing_does_not_go_on() -> None:
    wanted = [f"ftjob-{number}" for number in (1, 2, 130, 250)]
    with ScriptedServer(listing(many_jobs(300), after_ignored=True)) as server:
        assert [job.id for job in server.provider().sweep(wanted)] == wanted


def test_an_endless_listing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller, "MAX_PAGES", 5)
    with (
        ScriptedServer(listing(many_jobs(3_000))) as server,
        pytest.raises(ProviderError, match="did not end") as caught,
    ):
        server.provider().find_jobs("run1/1", since=0)
    assert caught.value.kind is ErrorKind.MALFORMED
    assert len(server.asked) == 5


def test_listing_without_has_more_is_read_until_nothing_comes() -> None:
    jobs = many_jobs(150, metadata={"tuneq_purchase": "run1/1"})
    answer = listing(jobs)

    def without(asked: Asked) -> Reply:
        body = answer(asked).body
        return Reply({"data": body["data"] or None})

    with ScriptedServer(without) as server:
        assert len(server.provider().find_jobs("run1/1", since=0)) == 150
    assert len(server.asked) == 3


def test_sweep_reads_pages_until_all_are_seen() -> None:
    jobs = many_jobs(500)
    wanted = [f"ftjob-{number}" for number in range(0, 250, 10)]
    with ScriptedServer(listing(jobs)) as server:
        found = server.provider().sweep(wanted)
    assert sorted(job.id for job in found) == sorted(wanted)
    assert len(server.asked) == 3


def test_sweep_asks_singly_for_what_is_missing_and_leaves_out_what_is_gone() -> None:
    jobs = many_jobs(2_000)
    with ScriptedServer(listing(jobs)) as server:
        found = server.provider().sweep(["ftjob-3", "ftjob-1900", "ftjob-gone"])
    assert sorted(job.id for job in found) == ["ftjob-1900", "ftjob-3"]
    assert len(server.asked) == 4  # a page with one, a page with none, two single jobs


def test_sweep_of_one_or_none() -> None:
    with ScriptedServer(listing(many_jobs(300))) as server:
        provider = server.provider()
        assert provider.sweep([]) == []
        assert server.asked == []
        assert [job.id for job in provider.sweep(["ftjob-7"])] == ["ftjob-7"]
        assert [asked.path for asked in server.asked] == [f"{JOBS}/ftjob-7"]


def test_sweep_sees_the_others_where_one_cannot_be_read() -> None:
    jobs = [job_document("ftjob-1"), {**job_document("ftjob-2"), "status": None}]

    def script(asked: Asked) -> Reply:
        return page(jobs) if asked.path == JOBS else Reply(jobs[int(asked.path[-1]) - 1])

    with ScriptedServer(script) as server:
        found = server.provider().sweep(["ftjob-1", "ftjob-2"])
    assert [job.id for job in found] == ["ftjob-1"]


def test_sweep_shows_what_else_is_active_on_the_pages_that_it_reads() -> None:
    jobs = [job | {"status": "succeeded", "fine_tuned_model": "ft:x"} for job in many_jobs(250)]
    for number in (5, 7, 130, 240):
        jobs[number] |= {"status": "running"}
    jobs[6] |= {"status": "succeeded", "fine_tuned_model": None}
    jobs[8] |= {"status": "archived"}
    for wanted, shown, calls in (
        ([], [5, 7], 1),
        ([5], [5, 7], 1),
        ([130], [130, 5, 7], 2),  # a page, then the job itself
        ([1, 130], [1, 130, 5, 7], 2),
        ([1, 2, 130, 131], [1, 2, 130, 131, 5, 7], 2),
    ):
        with ScriptedServer(listing(jobs)) as server:
            found = server.provider().sweep([f"ftjob-{n}" for n in wanted], others=True)
        assert sorted(job.id for job in found) == sorted(f"ftjob-{n}" for n in shown)
        assert len(server.asked) == calls


def test_sweep_does_not_take_an_outage_for_a_job_that_is_gone() -> None:
    with (
        ScriptedServer(lambda _: refusal(500)) as server,
        pytest.raises(ProviderError) as caught,
    ):
        server.provider().sweep(["ftjob-7"])
    assert caught.value.kind is ErrorKind.SERVER


@pytest.mark.parametrize("reply", [refusal(500), refusal(400), Reply(drop=True)])
def test_sweep_sees_the_others_where_one_cannot_be_looked_at(reply: Reply) -> None:
    answer = listing(many_jobs(2_000))

    def script(asked: Asked) -> Reply:
        return reply if asked.path.endswith("/ftjob-1900") else answer(asked)

    with ScriptedServer(script) as server:
        found = server.provider().sweep(["ftjob-1900", "ftjob-1901", "ftjob-gone"])
        assert [job.id for job in found] == ["ftjob-1901"]
        # A foreign one that was followed: the listing was heard.
        assert server.provider().sweep(["ftjob-1900"], others=True)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refusal(401), ErrorKind.AUTH),
        (refusal(429), ErrorKind.RATE),
        (Reply(drop=True), ErrorKind.NETWORK),
    ],
)
def test_sweep_ends_where_all_would_be_answered_alike(reply: Reply, kind: ErrorKind) -> None:
    ids = [f"ftjob-{number}" for number in range(1_900, 1_920)]
    answer = listing(many_jobs(1_900))

    def script(asked: Asked) -> Reply:
        return answer(asked) if asked.path == JOBS else reply

    with ScriptedServer(script) as server, pytest.raises(ProviderError) as caught:
        server.provider().sweep(ids)
    assert caught.value.kind is kind
    assert sum(asked.path != JOBS for asked in server.asked) <= 3


@pytest.mark.parametrize("odd", ["", ".", "..", "a/b", "a b", "a\n"])
def test_a_job_whose_id_is_no_part_of_an_address_is_none(odd: str) -> None:
    jobs = [job_document(odd, status="running"), job_document("ftjob-1", status="running")]

    def script(asked: Asked) -> Reply:
        return page(jobs) if asked.path == JOBS else refusal(404)

    with ScriptedServer(script) as server:
        # What was stored before such ids were refused does no harm either.
        found = server.provider().sweep([odd, "ftjob-2"], others=True)
    assert [job.id for job in found] == ["ftjob-1"]


def test_several_threads_share_a_provider() -> None:
    ids = [f"ftjob-{number}" for number in range(60)]
    with ScriptedServer(listing(many_jobs(60))) as server, ThreadPoolExecutor(8) as threads:
        jobs = list(threads.map(server.provider().job, ids))
    assert [job.id for job in jobs] == ids
