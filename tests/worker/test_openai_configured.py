"""A server of the OpenAI shape is an account by its configuration alone."""

import io
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from tests.worker.openai_support import KEY, Asked, Reply, ScriptedServer, job_document, page

from tuneq_shared.domain.request import Hyperparameters, Method, Supervised
from tuneq_shared.errors import ConfigurationError
from tuneq_shared.settings import Account
from tuneq_worker.ports.provider import FileState, JobSpec, JobStatus, Provider
from tuneq_worker.providers.openai.documents import FileDocument, JobDocument
from tuneq_worker.providers.openai.errors import read_answer
from tuneq_worker.providers.registry import build_provider

PAIRS = {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.1, "n_epochs": "auto"}}}
KNOBS = Method(supervised=Supervised(hyperparameters=Hyperparameters(n_epochs=2, lora=True)))
SPEC = JobSpec(
    model="m", training_file="file-1", validation_file=None, method=KNOBS, suffix="a-long-suffix",
    seed=None, purchase="run/1", labels={"tuneq_name": "n"},
)  # fmt: skip


def answer(asked: Asked) -> Reply:
    if asked.path.endswith("/files"):
        return Reply({"id": "file-1", "status": "uploaded"})
    entry = job_document(result_files=["file-weights"], status="succeeded", fine_tuned_model="t")
    return page([entry]) if asked.method == "GET" else Reply(entry)


def test_options_of_another_dialect_are_refused_by_name() -> None:
    profile = Account.model_validate({"base_url": "http://x/v1", "options": {"entra": True}})
    with pytest.raises(ConfigurationError, match=r"accounts\.lab\.options\.entra") as caught:
        build_provider("lab", profile, SecretStr(""), 1.0)
    assert "are: none" in caught.value.hint


def account(server: ScriptedServer, **capabilities: Any) -> Provider:
    profile = Account.model_validate(
        {"base_url": f"http://127.0.0.1:{server.port}/v1", "capabilities": capabilities}
    )
    return build_provider("lab", profile, SecretStr(KEY), 10.0)


@pytest.mark.parametrize(
    ("capabilities", "order"),
    [
        (
            {},
            {
                "method": {
                    "type": "supervised",
                    "supervised": {"hyperparameters": {"n_epochs": 2, "lora": True}},
                },
                "metadata": {"tuneq_purchase": "run/1", "tuneq_name": "n"},
                "suffix": "a-long-suffix",
            },
        ),
        (
            {"hyperparameters_in": "job", "metadata": False, "suffix_length": 6},
            {"hyperparameters": {"n_epochs": 2, "lora": True}, "suffix": "a-long"},
        ),
        (
            {"hyperparameters_in": "job", "metadata": False, "suffix_length": 0},
            {"hyperparameters": {"n_epochs": 2, "lora": True}},
        ),
    ],
)
def test_a_job_is_ordered_as_the_account_takes_it(
    capabilities: dict[str, Any], order: dict[str, Any]
) -> None:
    with ScriptedServer(answer) as server:
        account(server, **capabilities).create_job(SPEC)
        (asked,) = server.posts()
    assert asked.json() == {"model": "m", "training_file": "file-1", **order}


@pytest.mark.parametrize("filters", [True, False])
def test_a_listing_is_asked_to_filter_only_where_it_can(*, filters: bool) -> None:
    with ScriptedServer(answer) as server:
        account(server, metadata_filter=filters).find_jobs("run/1", None)
        (asked,) = server.asked
    assert ("metadata[tuneq_purchase]" in asked.query) == filters


@pytest.mark.parametrize(("source", "files"), [("files", ("file-weights",)), ("checkpoints", ())])
def test_files_that_hold_no_metrics_are_no_result_files(
    source: str, files: tuple[str, ...]
) -> None:
    with ScriptedServer(answer) as server:
        provider = account(server, metrics=source)
        (swept,) = provider.sweep([], others=True) or provider.find_jobs_on("file-1", None)
    assert swept.result_files == files
    assert swept.status is JobStatus.SUCCEEDED


@pytest.mark.parametrize(("waits", "state"), [(True, FileState.PENDING), (False, FileState.READY)])
def test_a_file_is_waited_for_only_where_somebody_looks_at_it(
    *, waits: bool, state: FileState
) -> None:
    with ScriptedServer(answer) as server:
        file = account(server, file_wait=waits).upload("t.jsonl", io.BytesIO(b"{}"))
    assert file.state is state


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
JOB = {"id": "ftjob-1", "created_at": 1.0}
JOB_FIELDS = st.sampled_from(sorted(set(JobDocument.model_fields) - {"id", "created_at", "status"}))
FILE_FIELDS = st.sampled_from(sorted(set(FileDocument.model_fields) - {"id"}))
KNOWN = {
    *("validating_files", "queued", "pending", "running", "pausing", "paused"),
    *("succeeded", "failed", "cancelled"),
}


@given(st.text(), st.dictionaries(JOB_FIELDS | st.text(), ANYTHING, max_size=5))
def test_whatever_else_it_is_told_with_a_job_is_read(status: str, fields: dict[str, Any]) -> None:
    job = read_answer(JobDocument, {**fields, **JOB, "status": status}).to_job()
    assert (job.id, job.raw_status) == ("ftjob-1", status)
    if status not in KNOWN:
        assert job.status is JobStatus.UNKNOWN


@given(st.dictionaries(FILE_FIELDS | st.text(), ANYTHING, max_size=5))
def test_whatever_else_it_is_told_with_a_file_is_read(fields: dict[str, Any]) -> None:
    file = read_answer(FileDocument, {**fields, "id": "file-1"}).to_file()
    told = fields.get("status")
    if isinstance(told, str) and told not in {"", "processed", "error", "deleting", "deleted"}:
        assert file.state is FileState.PENDING


@pytest.mark.parametrize("place", ["method", "job"])
def test_a_job_on_preference_pairs_has_its_settings_in_its_method(place: str) -> None:
    spec = replace(SPEC, method=Method.model_validate(PAIRS))
    with ScriptedServer(answer) as server:
        account(server, hyperparameters_in=place).create_job(spec)
        account(server).create_job(replace(spec, method=Method(type="dpo")))
    sent, plain = (asked.json() for asked in server.asked)
    assert sent["method"] == PAIRS
    assert "hyperparameters" not in sent
    assert plain["method"] == {"type": "dpo"}
