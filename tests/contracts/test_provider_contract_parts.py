"""How every adapter of the provider port must send large files: in parts, whole or not at all."""

import io
import uuid
from typing import Literal

import pytest
from tests.contracts.provider_benches import Bench, Breakage, Call
from tests.contracts.provider_orders import LINES, follow, spec, upload, wait_for

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import FileState, JobStatus, Provider, ProviderError

PART = 700


@pytest.fixture(autouse=True)
def parts(running: Bench) -> None:
    sizes = running.capabilities
    if sizes.plain_file_bytes >= sizes.largest_file_bytes:
        pytest.skip("this account takes every file in one request")


@pytest.fixture
def provider(bench: Bench) -> Provider:
    return bench.provider(part_bytes=PART)


@pytest.fixture
def name() -> str:
    return f"{uuid.uuid4().hex}.jsonl"


class Killed(BaseException):
    """The process dies here."""


class Fatal(io.BytesIO):
    """A file that something happens to when what lies behind a place is read."""

    def __init__(self, content: bytes, place: int, event: BaseException) -> None:
        super().__init__(content)
        self._place = place
        self._event = event

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= self._place:
            raise self._event
        return super().read(size)


def parts_of(content: bytes) -> int:
    return -(-len(content) // PART)


@pytest.mark.parametrize("size", [PART, PART + 1, 2 * PART, 2 * PART + 1, len(LINES)])
def test_all_bytes_arrive_in_their_order(
    bench: Bench, provider: Provider, name: str, size: int
) -> None:
    content = LINES[:size]
    before = bench.calls("upload"), bench.calls("upload_part")
    file = provider.upload(name, io.BytesIO(content))
    found = provider.find_file(name)
    assert found is not None
    assert found.id == file.id
    assert provider.result_file(file.id) == content
    sent = bench.calls("upload") - before[0], bench.calls("upload_part") - before[1]
    assert sent == ((1, 0) if size <= PART else (0, parts_of(content)))


def test_it_can_be_trained_on(bench: Bench, provider: Provider) -> None:
    job, _ = follow(provider, provider.create_job(spec(bench, upload(provider))))
    assert job.status is JobStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("which", "kind"),
    [
        ("upload_begun", ErrorKind.RATE),
        ("upload_begun", ErrorKind.BAD_REQUEST),
        ("upload_part", ErrorKind.QUOTA),
        ("upload_part", ErrorKind.AUTH),
        ("upload_part", ErrorKind.BAD_REQUEST),
        ("upload_completed", ErrorKind.RATE),
        ("upload_completed", ErrorKind.BAD_REQUEST),
    ],
)
def test_a_refusal_leaves_no_file(
    bench: Bench, provider: Provider, name: str, which: Call, kind: ErrorKind
) -> None:
    before = bench.calls(which)
    bench.refuse(which, kind)
    with pytest.raises(ProviderError) as caught:
        provider.upload(name, io.BytesIO(LINES))
    assert caught.value.kind is kind
    assert caught.value.retry_after_s == (1.5 if kind is ErrorKind.RATE else None)
    assert bench.calls(which) == before + 1
    assert_sent_by_the_next_try(provider, name, there=False)


@pytest.mark.parametrize("which", ["upload_begun", "upload_completed"])
@pytest.mark.parametrize(
    ("breakage", "kind", "done"),
    [
        ("drop", ErrorKind.NETWORK, False),
        ("lost_answer", ErrorKind.NETWORK, True),
        ("error_after", ErrorKind.SERVER, True),
        ("malformed", ErrorKind.MALFORMED, False),
    ],
)
def test_a_breakdown_leaves_a_whole_file_or_none(
    *, bench: Bench, name: str, which: Call, breakage: Breakage, kind: ErrorKind, done: bool
) -> None:
    provider = bench.provider(part_bytes=PART)
    before = bench.calls(which)
    bench.break_down(which, breakage)
    with pytest.raises(ProviderError) as caught:
        provider.upload(name, io.BytesIO(LINES))
    assert caught.value.kind is kind
    assert bench.calls(which) == before + 1
    assert_sent_by_the_next_try(provider, name, there=done and which == "upload_completed")


@pytest.mark.parametrize("trouble", ["drop", "lost_answer", "error_after", "malformed", "rate"])
def test_a_part_in_trouble_is_sent_again_and_the_file_is_whole(
    bench: Bench, provider: Provider, name: str, trouble: Breakage | Literal["rate"]
) -> None:
    before = bench.calls("upload_begun"), bench.calls("upload_part")
    if trouble == "rate":
        bench.refuse("upload_part", ErrorKind.RATE)
    else:
        bench.break_down("upload_part", trouble)
    file = provider.upload(name, io.BytesIO(LINES))
    assert provider.result_file(file.id) == LINES
    assert bench.calls("upload_begun") == before[0] + 1
    assert bench.calls("upload_part") == before[1] + parts_of(LINES) + 1


@pytest.mark.parametrize("event", [Killed(), OSError(5, "Input/output error")])
@pytest.mark.parametrize("place", [0, PART, 2 * PART + 1])
def test_whoever_dies_between_parts_leaves_no_file(
    bench: Bench, provider: Provider, name: str, place: int, event: BaseException
) -> None:
    before = bench.calls("upload_completed")
    with pytest.raises(type(event)):
        provider.upload(name, Fatal(LINES, place, event))
    assert bench.calls("upload_completed") == before
    assert_sent_by_the_next_try(provider, name, there=False)


def assert_sent_by_the_next_try(provider: Provider, name: str, *, there: bool) -> None:
    """As a worker does it: look for the file, and send it where there is none."""
    found = provider.find_file(name)
    assert (found is not None) == there
    file = found or provider.upload(name, io.BytesIO(LINES))
    wait_for(lambda: provider.file(file.id).state is FileState.READY, "file is processed")
    assert provider.result_file(file.id) == LINES
