"""How every adapter of the provider port must fail: by kind, once, without showing the key."""

import io

import pytest
from tests.contracts.provider_benches import WRONG_KEY, Bench, Breakage, Call
from tests.contracts.provider_orders import LINES, ask, spec, upload

from tuneq_shared.domain.failure import AMBIGUOUS, ErrorKind
from tuneq_worker.ports.provider import JobSpec, Provider, ProviderError


def call(provider: Provider, which: Call, order: JobSpec) -> object:
    if which == "create_job":
        return provider.create_job(order)
    if which == "upload":
        return provider.upload("train.jsonl", io.BytesIO(LINES))
    if which == "job":
        return provider.job("ftjob-gone")
    return ask(provider, order.model)


@pytest.mark.parametrize(
    ("which", "kind"),
    [
        ("create_job", ErrorKind.RATE),
        ("create_job", ErrorKind.CAPACITY),
        ("create_job", ErrorKind.DAILY),
        ("create_job", ErrorKind.QUOTA),
        ("create_job", ErrorKind.UNAVAILABLE),
        ("create_job", ErrorKind.AUTH),
        ("create_job", ErrorKind.NOT_READY),
        ("create_job", ErrorKind.BAD_REQUEST),
        ("create_job", ErrorKind.SERVER),
        ("upload", ErrorKind.RATE),
        ("upload", ErrorKind.BAD_REQUEST),
        ("job", ErrorKind.RATE),
        ("job", ErrorKind.SERVER),
        ("chat", ErrorKind.RATE),
        ("chat", ErrorKind.QUOTA),
        ("chat", ErrorKind.COLD),
        ("chat", ErrorKind.MODERATION),
    ],
)
def test_refusals_have_their_kind(bench: Bench, which: Call, kind: ErrorKind) -> None:
    provider = bench.provider()
    order = spec(bench, "file-1")
    before = bench.calls(which)
    bench.refuse(which, kind)
    with pytest.raises(ProviderError) as caught:
        call(provider, which, order)
    assert caught.value.kind is kind
    assert caught.value.retry_after_s == (1.5 if kind is ErrorKind.RATE else None)
    assert bench.calls(which) == before + 1


@pytest.mark.parametrize(
    ("breakage", "kind", "bought"),
    [
        ("drop", ErrorKind.NETWORK, 0),
        ("lost_answer", ErrorKind.NETWORK, 1),
        ("error_after", ErrorKind.SERVER, 1),
        ("malformed", ErrorKind.MALFORMED, 0),
    ],
)
def test_a_purchase_whose_answer_is_lost_is_found_again(
    bench: Bench, breakage: Breakage, kind: ErrorKind, bought: int
) -> None:
    provider = bench.provider()
    order = spec(bench, upload(provider))
    before = bench.calls("create_job")
    bench.break_down("create_job", breakage)
    with pytest.raises(ProviderError) as caught:
        provider.create_job(order)
    assert caught.value.kind is kind
    assert caught.value.ambiguous
    assert bench.calls("create_job") == before + 1
    marked = bench.capabilities.metadata
    found = provider.find_jobs(order.purchase or "", since=0) if marked else None
    assert len(provider.find_jobs_on(order.training_file, 0) if found is None else found) == bought


@pytest.mark.parametrize("which", ["upload", "job", "chat"])
@pytest.mark.parametrize("breakage", ["drop", "malformed"])
def test_a_broken_call_is_made_once(bench: Bench, which: Call, breakage: Breakage) -> None:
    provider = bench.provider()
    order = spec(bench, "file-1")
    before = bench.calls(which)
    bench.break_down(which, breakage)
    with pytest.raises(ProviderError) as caught:
        call(provider, which, order)
    assert caught.value.kind in AMBIGUOUS
    assert bench.calls(which) == before + 1


def test_what_does_not_exist_is_not_found(bench: Bench) -> None:
    provider = bench.provider()
    with pytest.raises(ProviderError) as job:
        provider.job("ftjob-gone")
    with pytest.raises(ProviderError) as file:
        provider.file("file-gone")
    with pytest.raises(ProviderError) as content:
        provider.result_file("file-gone")
    with pytest.raises(ProviderError) as model:
        ask(provider, "ft:gone")
    with pytest.raises(ProviderError) as training_file:
        provider.create_job(spec(bench, "file-gone"))
    for caught in (job, file, content, model, training_file):
        assert caught.value.kind is ErrorKind.NOT_FOUND


def test_a_model_that_cannot_be_tuned_is_refused(bench: Bench) -> None:
    provider = bench.provider()
    with pytest.raises(ProviderError, match="no-such-model") as caught:
        provider.create_job(spec(bench, upload(provider), model="no-such-model"))
    assert caught.value.kind is ErrorKind.BAD_REQUEST


def test_a_wrong_key_is_refused_without_being_shown(bench: Bench) -> None:
    provider = bench.provider(WRONG_KEY)
    with pytest.raises(ProviderError) as one:
        provider.upload("train.jsonl", io.BytesIO(LINES))
    with pytest.raises(ProviderError) as two:
        ask(provider, bench.base_model)
    for caught in (one, two):
        assert caught.value.kind is ErrorKind.AUTH
        assert WRONG_KEY not in str(caught.value) + repr(caught.value)
