"""What a check keeps back never leaves this machine, and no answer to a purchase takes for ever."""

import asyncio
import io
from collections.abc import Callable

import pytest
from tests.worker.fireworks_support import (
    DATASETS,
    DEPLOYMENTS,
    JOBS,
    KEY,
    fireworks,
    job_document,
    spec,
)
from tests.worker.openai_support import Reply, ScriptedServer
from tests.worker.test_openai_dripping import BODY_DRIPS, HEAD_DRIPS, dripping

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.fireworks.adapter import FireworksProvider

CALLS: dict[str, Callable[[FireworksProvider, Check], object]] = {
    JOBS: lambda it, check: it.create_job(spec(), check),
    DATASETS: lambda it, check: it.upload("t.jsonl", io.BytesIO(b"{}"), check),
    DEPLOYMENTS: lambda it, check: it.deploy("accounts/me/models/m", "tuneq-d", check),
}
REPLY = Reply(job_document())


class LostError(Exception):
    """What a check says."""


@pytest.mark.parametrize("path", CALLS)
def test_what_a_check_objects_to_is_not_sent_and_later_requests_are(path: str) -> None:
    def lost() -> None:
        raise LostError

    with ScriptedServer(lambda _: REPLY) as server:
        account = fireworks(server)
        with pytest.raises(LostError):
            CALLS[path](account, lost)
        assert server.asked == []
        CALLS[path](account, lambda: None)
    assert len([asked for asked in server.asked if asked.path == path]) == 1


@pytest.mark.parametrize("path", CALLS)
def test_it_is_made_again_between_head_and_body(path: str) -> None:
    looks = 0

    def lost_later() -> None:
        nonlocal looks
        looks += 1
        if looks > 1:
            raise LostError

    with ScriptedServer(lambda _: REPLY) as server, pytest.raises(LostError):
        CALLS[path](fireworks(server), lost_later)
    assert not any(asked.body for asked in server.asked)


@pytest.mark.parametrize("drips", [BODY_DRIPS, HEAD_DRIPS])
def test_an_answer_to_a_purchase_that_drips_in_is_given_up(drips: tuple[bytes, bytes]) -> None:
    with dripping(*drips) as server, pytest.raises(ProviderError) as caught:
        fireworks(server, timeout_s=0.05).create_job(spec())
    assert caught.value.kind is ErrorKind.NETWORK
    assert caught.value.ambiguous


def test_what_costs_is_given_up_sooner() -> None:
    def drops(call: Callable[[FireworksProvider], object]) -> int:
        with dripping() as server, pytest.raises(ProviderError):
            call(fireworks(server, timeout_s=0.05))
        return server.drops

    job, deployment = (drops(lambda it, c=CALLS[path]: c(it, lambda: None))  # type: ignore[misc]
                       for path in (JOBS, DEPLOYMENTS))  # fmt: skip
    assert 4 * max(job, deployment) < drops(lambda it: it.job("job-1"))


def test_a_request_is_made_once_whatever_the_answer() -> None:
    away = Reply({}, 307, {"location": "/elsewhere"})
    for reply in (Reply({}, 500), Reply({}, 429), Reply({}, 409), away, Reply(drop=True)):
        with ScriptedServer(lambda _, reply=reply: reply) as server:  # type: ignore[misc]
            with pytest.raises(ProviderError):
                fireworks(server).create_job(spec(purchase=None))
            assert len(server.asked) == 1


def test_nothing_of_the_environment_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREWORKS_API_KEY", "fw_foreign")
    monkeypatch.setenv("FIREWORKS_ACCOUNT_ID", "foreign")
    monkeypatch.setenv("FIREWORKS_BASE_URL", "http://127.0.0.1:1/foreign")
    monkeypatch.setenv(
        "FIREWORKS_CUSTOM_HEADERS", "X-Foreign: foreign\nauthorization: Bearer fw_foreign"
    )
    reply = Reply({**job_document(), "choices": [{"message": {"content": "hi"}}]})

    async def chat() -> None:
        async with provider.open_chat(1) as line:
            await line.complete("m", [], {})

    with ScriptedServer(lambda _: reply) as server:
        provider = fireworks(server)
        provider.job("job-1")
        asyncio.run(chat())
    assert len(server.asked) == 2
    for asked in server.asked:
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        assert "foreign" not in str(asked)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_key_stays_behind_where_a_redirect_leads_elsewhere(host: str) -> None:
    with ScriptedServer(lambda _: REPLY) as elsewhere:
        away = {"location": f"http://{host}:{elsewhere.port}/x"}
        with ScriptedServer(lambda _: Reply({}, 307, away)) as server:
            fireworks(server).job("job-1")
    (asked,) = elsewhere.asked
    assert KEY not in str(asked.headers)


def test_a_key_that_a_refusal_quotes_is_taken_out() -> None:
    reply = Reply({"code": 3, "message": f"bad key {KEY}"}, 400)
    with ScriptedServer(lambda _: reply) as server, pytest.raises(ProviderError) as caught:
        fireworks(server).job("job-1")
    assert caught.value.message == "bad key ***"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_key_that_an_answer_quotes_is_taken_out() -> None:
    told = job_document(state="JOB_STATE_FAILED", status={"code": "X", "message": KEY})
    with ScriptedServer(lambda _: Reply(told)) as server:
        assert fireworks(server).job("job-1").error_message == "***"
