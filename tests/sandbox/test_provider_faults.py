import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from tests.sandbox.provider_server import ProviderServer, chat_lines, wait_for_job

from tuneq_sandbox.provider.faults import FaultPlan, FaultRule, Faults

BASE = "gpt-3.5-turbo"
JOBS = "/v1/fine_tuning/jobs"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderServer]:
    with ProviderServer(tmp_path_factory.mktemp("faults")) as running:
        yield running


@pytest.fixture
def client(server: ProviderServer) -> Iterator[openai.OpenAI]:
    server.set_faults()
    with server.client() as made:
        yield made
    server.set_faults()


@pytest.fixture
def create(client: openai.OpenAI) -> Callable[[], Any]:
    file = client.files.create(file=("x.jsonl", chat_lines(10)), purpose="fine-tune").id
    return lambda: client.fine_tuning.jobs.create(
        model=BASE, training_file=file, seed=1, metadata={"m": "1"}
    )


@pytest.mark.parametrize(
    ("rule", "raises", "done"),
    [
        ({"kind": "error", "status": 503}, openai.InternalServerError, 0),
        ({"kind": "error", "status": 403, "code": "x"}, openai.PermissionDeniedError, 0),
        ({"kind": "drop"}, openai.APIConnectionError, 0),
        ({"kind": "malformed"}, json.JSONDecodeError, 0),
        ({"kind": "lost_answer"}, openai.APIConnectionError, 1),
        ({"kind": "error_after"}, openai.InternalServerError, 1),
        ({"kind": "hang", "seconds": 30}, openai.APITimeoutError, 1),
    ],
)
def test_each_kind_of_fault(
    *,
    server: ProviderServer,
    client: openai.OpenAI,
    create: Callable[[], Any],
    rule: dict[str, Any],
    raises: type[Exception],
    done: int,
) -> None:
    before = server.stats()
    server.set_faults({**rule, "method": "POST", "path": JOBS, "times": 1})
    if rule["kind"] == "hang":
        client.timeout = 0.3
    with pytest.raises(raises) as raised:
        create()
    client.timeout = 20
    after = server.stats()
    assert after["jobs"] - before["jobs"] == done
    assert after["faults"][rule["kind"]] == before["faults"].get(rule["kind"], 0) + 1
    shown = server.control("GET", "/sandbox/faults")["rules"][0]
    assert (shown["fired"], shown["left"]) == (1, 0)
    if "code" in rule:
        assert getattr(raised.value, "code", None) == "x"
    assert create().id


def test_a_fault_carries_headers_and_words(server: ProviderServer, client: openai.OpenAI) -> None:
    server.set_faults(
        {
            "kind": "error",
            "status": 429,
            "code": "insufficient_quota",
            "type": "insufficient_quota",
            "message": "You exceeded your current quota.",
            "headers": {"retry-after": "7"},
            "path": "/v1/files/*",
        }
    )
    client.files.list()
    for _ in range(2):
        with pytest.raises(openai.RateLimitError, match="current quota") as raised:
            client.files.retrieve("file-x")
        assert raised.value.code == "insufficient_quota"
        assert raised.value.response.headers["retry-after"] == "7"


@pytest.mark.parametrize("wrong", [{"kind": "odd"}, {"kind": "drop", "often": 1}])
def test_a_wrong_plan_changes_nothing(
    server: ProviderServer, client: openai.OpenAI, wrong: dict[str, Any]
) -> None:
    with pytest.raises(openai.BadRequestError):
        client.put(
            server.url.removesuffix("/v1") + "/sandbox/faults",
            body={"rules": [wrong]},
            cast_to=object,
        )
    assert server.control("GET", "/sandbox/faults")["rules"] == []


def test_chance_is_seeded() -> None:
    def struck(seed: int) -> list[bool]:
        plan = FaultPlan(seed=seed, rules=(FaultRule(kind="drop", probability=0.3),))
        faults = Faults(plan)
        return [faults.choose("GET", "/v1/files") is not None for _ in range(300)]

    assert struck(1) == struck(1) != struck(2)
    assert 60 < sum(struck(1)) < 120


def test_a_server_that_knows_no_metadata(
    server: ProviderServer, client: openai.OpenAI, create: Callable[[], Any]
) -> None:
    with_metadata = create().id
    server.set_faults(oddities={"metadata_dropped": True, "metadata_filter_ignored": True})
    without = create()
    assert without.metadata is None
    listed = [job.id for job in client.fine_tuning.jobs.list(metadata={"m": "none"}, limit=2).data]
    assert listed == [without.id, with_metadata]


def test_a_list_that_lags_or_never_ends(
    server: ProviderServer, client: openai.OpenAI, create: Callable[[], Any]
) -> None:
    job = create().id
    server.set_faults(oddities={"after_ignored": True})
    again = client.fine_tuning.jobs.list(limit=1, after=job)
    assert again.data[0].id == job
    server.set_faults(oddities={"list_lag_s": 600})
    assert client.fine_tuning.jobs.list().data == []
    assert client.fine_tuning.jobs.retrieve(job).id == job


def test_result_files_in_other_forms(
    server: ProviderServer, client: openai.OpenAI, create: Callable[[], Any]
) -> None:
    server.set_faults(oddities={"result_base64": True, "result_columns": "azure"})
    job = wait_for_job(client, create().id)
    content = base64.b64decode(client.files.content(job.result_files[0]).read(), validate=True)
    assert content.startswith(
        b"step,train_loss,train_mean_token_accuracy,valid_loss,validation_mean_token_accuracy\n"
    )
    assert client.files.content(job.training_file).read() == chat_lines(10)
