"""How every adapter whose account has batches must buy, find, read and cancel them."""

import io
import time
import uuid

import pytest
from tests.contracts.provider_benches import Bench, Breakage
from tests.contracts.provider_orders import USER, ask, upload, wait_for

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.batches import Batch, BatchStatus
from tuneq_worker.ports.provider import Completion, Provider, ProviderError

PARAMETERS = {"max_tokens": 8, "temperature": 0.0}


@pytest.fixture(autouse=True)
def has_batches(running: Bench) -> None:
    if not running.capabilities.batch:
        pytest.skip("this account has no batches")


@pytest.fixture
def purchase() -> str:
    return f"{uuid.uuid4().hex}/0/1"


def requests(bench: Bench, provider: Provider, count: int) -> bytes:
    lines = [
        provider.request_line(str(n), bench.base_model, USER, PARAMETERS) for n in range(count)
    ]
    return b"".join(lines)


def send(provider: Provider, content: bytes, name: str = "requests.jsonl") -> str:
    return provider.upload_requests(name, io.BytesIO(content)).id


def follow(provider: Provider, batch: Batch) -> Batch:
    wait_for(lambda: provider.batch(batch.id).status.is_terminal, "the batch ends")
    return provider.batch(batch.id)


def results(provider: Provider, batch: Batch) -> dict[str, Completion | ProviderError]:
    answers = [a for f in batch.answers for a in provider.read_answers(provider.result_file(f))]
    assert len({answer.request for answer in answers}) == len(answers)
    return {answer.request: answer.result for answer in answers}


def test_its_requests_are_answered_as_in_chat_each_by_its_own(
    bench: Bench, provider: Provider, purchase: str
) -> None:
    lines = requests(bench, provider, 2)
    lines += provider.request_line("empty", bench.base_model, [], PARAMETERS)
    lines += provider.request_line("gone", "ft:gone", USER, PARAMETERS)
    bought = provider.create_batch(send(provider, lines), purchase)
    assert not bought.status.is_terminal
    ended = follow(provider, bought)
    assert (ended.status, ended.purchase, ended.failure) == (BatchStatus.COMPLETED, purchase, None)
    found = results(provider, ended)
    assert found.keys() == {"0", "1", "empty", "gone"}
    (said,) = ask(provider, bench.base_model)
    for request in ("0", "1"):
        result = found[request]
        assert isinstance(result, Completion)
        assert result.text == said.text
        assert result.prompt_tokens == said.prompt_tokens
        assert result.completion_tokens == said.completion_tokens
    empty, gone = found["empty"], found["gone"]
    assert isinstance(empty, ProviderError)
    assert isinstance(gone, ProviderError)
    assert (empty.kind, gone.kind) == (ErrorKind.BAD_REQUEST, ErrorKind.NOT_FOUND)


def test_it_is_found_by_its_purchase_or_else_by_its_file(
    bench: Bench, provider: Provider, purchase: str
) -> None:
    file_id = send(provider, requests(bench, provider, 1))
    marked = provider.create_batch(file_id, purchase)
    unmarked = provider.create_batch(file_id, None)
    for ignored in ({}, {"cursors": True}):
        bench.ignore(**ignored)
        found = provider.find_batches(purchase, file_id, time.time())
        assert {batch.id for batch in found} == {marked.id, unmarked.id}
        (by_purchase,) = provider.find_batches(purchase, "file-other", time.time())
        assert (by_purchase.id, by_purchase.requests) == (marked.id, file_id)
        (by_file,) = provider.find_batches("other/0/1", file_id, time.time())
        assert (by_file.id, by_file.purchase) == (unmarked.id, None)
        assert provider.find_batches("other/0/1", "file-other", time.time()) == []


@pytest.mark.parametrize(
    ("breakage", "kind", "bought"),
    [
        ("drop", ErrorKind.NETWORK, 0),
        ("lost_answer", ErrorKind.NETWORK, 1),
        ("error_after", ErrorKind.SERVER, 1),
        ("malformed", ErrorKind.MALFORMED, 0),
    ],
)
def test_one_whose_answer_is_lost_is_found_again(
    bench: Bench, purchase: str, breakage: Breakage, kind: ErrorKind, bought: int
) -> None:
    provider = bench.provider()
    file_id = send(provider, requests(bench, provider, 1))
    before = bench.calls("create_batch")
    bench.break_down("create_batch", breakage)
    with pytest.raises(ProviderError) as caught:
        provider.create_batch(file_id, purchase)
    assert caught.value.kind is kind
    assert caught.value.ambiguous
    assert bench.calls("create_batch") == before + 1
    assert len(provider.find_batches(purchase, file_id, time.time())) == bought


@pytest.mark.parametrize("kind", [ErrorKind.RATE, ErrorKind.QUOTA, ErrorKind.BAD_REQUEST])
def test_a_refusal_has_its_kind_and_buys_nothing(
    bench: Bench, purchase: str, kind: ErrorKind
) -> None:
    provider = bench.provider()
    bench.refuse("create_batch", kind)
    with pytest.raises(ProviderError) as caught:
        provider.create_batch("file-1", purchase)
    assert caught.value.kind is kind
    assert provider.find_batches(purchase, "file-1", time.time()) == []


def test_an_objection_buys_nothing(bench: Bench, provider: Provider, purchase: str) -> None:
    file_id = send(provider, requests(bench, provider, 1))
    before = bench.calls("create_batch")
    with pytest.raises(KeyboardInterrupt):
        provider.create_batch(file_id, purchase, _object)
    assert bench.calls("create_batch") == before


def _object() -> None:
    raise KeyboardInterrupt


def test_cancelled_it_ends_and_stays_as_it_is(
    bench: Bench, provider: Provider, purchase: str
) -> None:
    batch = provider.create_batch(send(provider, requests(bench, provider, 2000)), purchase)
    provider.cancel_batch(batch.id)
    ended = follow(provider, batch)
    assert ended.status is BatchStatus.CANCELLED
    assert len(results(provider, ended)) < 2000
    assert provider.cancel_batch(batch.id) == ended


def test_one_that_does_not_take_a_cancel_is_answered_as_it_is(bench: Bench, purchase: str) -> None:
    """As one may that is being cancelled already."""
    provider = bench.provider()
    batch = provider.create_batch(send(provider, requests(bench, provider, 2000)), purchase)
    bench.refuse("cancel_batch", ErrorKind.BAD_REQUEST)
    assert provider.cancel_batch(batch.id).status is BatchStatus.ACTIVE
    assert provider.cancel_batch(batch.id).id == batch.id


def test_a_bad_file_fails_as_a_whole(bench: Bench, provider: Provider, purchase: str) -> None:
    content = requests(bench, provider, 1) + b"{not json\n"
    ended = follow(provider, provider.create_batch(send(provider, content), purchase))
    assert ended.status is BatchStatus.FAILED
    assert ended.failure is not None
    assert ended.failure.kind is ErrorKind.BAD_REQUEST
    assert results(provider, ended) == {}


def test_files_of_requests_are_found_by_name_apart_from_others(
    bench: Bench, provider: Provider
) -> None:
    name = f"{uuid.uuid4().hex}.jsonl"
    upload(provider, name=name)
    assert provider.find_requests(name) is None
    file_id = send(provider, requests(bench, provider, 1), name)
    found = provider.find_requests(name)
    assert found is not None
    assert found.id == file_id
    provider.delete_file(file_id)
    assert provider.find_requests(name) is None


@pytest.mark.parametrize("call", ["batch", "cancel_batch"])
def test_what_does_not_exist_is_not_found(provider: Provider, call: str) -> None:
    with pytest.raises(ProviderError) as caught:
        getattr(provider, call)("batch_gone")
    assert caught.value.kind is ErrorKind.NOT_FOUND


def test_lines_that_cannot_be_read_are_left_out(provider: Provider) -> None:
    good = b'{"custom_id": "1", "response": null, "error": {"code": "batch_expired"}}'
    (answer,) = provider.read_answers(b'nonsense\n\n{"custom_id": 3}\n' + good + b"\n")
    assert isinstance(answer.result, ProviderError)
    assert (answer.request, answer.result.kind) == ("1", ErrorKind.SERVER)
    assert answer.result.code == "batch_expired"
