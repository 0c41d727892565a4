from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from tests.sandbox.provider_server import ProviderServer

BASE = "gpt-3.5-turbo"
PROMPT = "Question: Is tearing paper physical?\nOptions:(A) chemical (B) physical change\nAnswer:"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderServer]:
    limit = {"requests_per_minute": 60, "tokens_per_minute": 6000, "burst_s": 3600}
    with ProviderServer(tmp_path_factory.mktemp("chat"), rate_limit=limit) as running:
        yield running


@pytest.fixture
def client(server: ProviderServer) -> openai.OpenAI:
    return server.client()


def ask(client: openai.OpenAI, *messages: tuple[str, str], **options: Any) -> Any:
    return client.chat.completions.create(
        model=options.pop("model", BASE),
        messages=[{"role": role, "content": text} for role, text in messages],  # type: ignore[misc]
        **options,
    )


def test_the_base_model_needs_an_example_to_answer_in_form(client: openai.OpenAI) -> None:
    answer = ask(client, ("user", PROMPT))
    assert answer.choices[0].message.content == "physical change"
    assert answer.model == BASE
    shot = (("user", "Q\nOptions:(A) x (B) y\nAnswer:"), ("assistant", "A"))
    answer = ask(client, ("system", "Letters only."), *shot, ("user", PROMPT), temperature=0)
    assert answer.choices[0].message.content == "B"
    texts = ["Letters only.", shot[0][1], shot[1][1], PROMPT]
    assert answer.usage.prompt_tokens == sum(-(-len(text) // 4) for text in texts)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_long_answer_is_cut(client: openai.OpenAI, name: str) -> None:
    answer = ask(client, ("user", PROMPT), **{name: 2})
    assert answer.choices[0].message.content == "physical"
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 2


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"n": 2}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"logprobs": True}, "logprobs"),
        ({"stream": True}, "stream"),
    ],
)
def test_what_it_cannot_do_is_refused(
    client: openai.OpenAI, options: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        ask(client, ("user", PROMPT), **options)
    assert raised.value.param == param


def test_wrong_messages_and_models(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        ask(client, ("user", PROMPT), model="ft:gpt-3.5-turbo:sandbox::none")
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("none")
    with pytest.raises(openai.BadRequestError, match="role"):
        ask(client, ("user", "a"), ("teacher", "b"))
    with pytest.raises(openai.BadRequestError, match="messages"):
        ask(client)


def test_rate_limits_are_told_and_kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    # Three requests at once, and another every 20 seconds.
    limit = {"requests_per_minute": 3, "tokens_per_minute": 90}
    with ProviderServer(tmp_path_factory.mktemp("limited"), rate_limit=limit) as limited:
        client = limited.client()
        raw = client.chat.completions.with_raw_response

        def hello(key: openai.OpenAI = client, model: str = BASE, size: int = 4) -> Any:
            return ask(key, ("user", "x" * size), model=model)

        headers = raw.create(model=BASE, messages=[{"role": "user", "content": "hi"}]).headers
        assert headers["x-ratelimit-limit-requests"] == "3"
        assert headers["x-ratelimit-remaining-requests"] == "2"
        assert headers["x-ratelimit-remaining-tokens"] == "89"
        assert 19 < float(headers["x-ratelimit-reset-requests"].rstrip("s")) <= 20
        hello()
        hello()
        with pytest.raises(openai.RateLimitError) as raised:
            hello()
        assert raised.value.code == "rate_limit_exceeded"
        assert raised.value.type == "requests"
        answer = raised.value.response.headers
        assert 1 <= int(answer["retry-after"]) <= 20
        assert 1000 < int(answer["retry-after-ms"]) <= 20_000
        hello(model="gpt-4.1-mini-2025-04-14")  # limits are of a model
        other = limited.client(api_key="sk-other")
        hello(other, size=320)  # and of a key
        with pytest.raises(openai.RateLimitError) as raised:
            hello(other, size=80)
        assert raised.value.type == "tokens"
        with pytest.raises(openai.RateLimitError, match="Request too large") as raised:
            hello(other, size=400)
        assert "retry-after" not in raised.value.response.headers
        assert limited.stats()["rate_limited"] == 3


def test_without_limits_no_header_speaks_of_them_and_faults_may_stand_in_the_configuration(
    tmp_path: Path,
) -> None:
    rule = {"kind": "error", "path": "/v1/chat/*", "times": 1}
    with ProviderServer(tmp_path, chat_latency_ms=5, faults={"rules": [rule]}) as free:
        client = free.client()
        with pytest.raises(openai.InternalServerError):
            ask(client, ("user", PROMPT))
        answer = client.chat.completions.with_raw_response.create(
            model=BASE, messages=[{"role": "user", "content": "hi"}]
        )
        assert not [name for name in answer.headers if name.startswith("x-ratelimit")]
        assert answer.headers["x-request-id"].startswith("req_")
