"""Whatever Fireworks says in words that we do not know does no harm."""

import json
import math
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.worker.fireworks_support import dataset_document, deployment_document, job_document

from tuneq_shared.errors import ConfigurationError
from tuneq_shared.settings import Account
from tuneq_worker.ports.deployments import DeploymentState
from tuneq_worker.ports.provider import FileState, JobStatus, StepMetric
from tuneq_worker.providers.fireworks.documents import (
    DatasetDocument,
    DeploymentDocument,
    JobDocument,
    ModelDocument,
)
from tuneq_worker.providers.fireworks.metrics import read_metrics
from tuneq_worker.providers.fireworks.names import id_for, owner_and_id
from tuneq_worker.providers.fireworks.options import FireworksOptions
from tuneq_worker.providers.options import read_options

WORDS = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
a_few = settings(max_examples=40)
FIELDS = st.dictionaries(
    st.sampled_from(
        ["displayName", "status", "dataset", "outputModel", "jobProgress", "metricsFileSignedUrl",
         "baseModel", "deployedModelRefs", "estimatedCost", "whatever"]
    ),
    JSON,
)  # fmt: skip


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("JOB_STATE_CREATING", JobStatus.VALIDATING),
        ("JOB_STATE_VALIDATING", JobStatus.VALIDATING),
        ("JOB_STATE_PENDING", JobStatus.QUEUED),
        ("JOB_STATE_RE_QUEUEING", JobStatus.QUEUED),
        ("JOB_STATE_RUNNING", JobStatus.RUNNING),
        ("JOB_STATE_CANCELLING", JobStatus.RUNNING),
        ("JOB_STATE_WRITING_RESULTS", JobStatus.FINALIZING),
        ("JOB_STATE_PAUSED", JobStatus.PAUSED),
        ("JOB_STATE_COMPLETED", JobStatus.SUCCEEDED),
        ("JOB_STATE_EARLY_STOPPED", JobStatus.SUCCEEDED),
        ("JOB_STATE_FAILED", JobStatus.FAILED),
        ("JOB_STATE_EXPIRED", JobStatus.FAILED),
        ("JOB_STATE_CANCELLED", JobStatus.CANCELLED),
        ("JOB_STATE_DELETING", JobStatus.UNKNOWN),
        ("JOB_STATE_IDLE", JobStatus.UNKNOWN),
    ],
)
def test_states(state: str, status: JobStatus) -> None:
    job = JobDocument.model_validate(job_document(state=state)).to_job("me")
    assert (job.status, job.raw_status) == (status, state)
    assert (job.fine_tuned_model is not None) == (status is JobStatus.SUCCEEDED)


@a_few
@given(state=st.text(), fields=FIELDS)
def test_unknown_words_of_a_job_are_no_end_of_it(state: str, fields: dict[str, Any]) -> None:
    unknown = f"JOB_STATE_X{state}"
    job = JobDocument.model_validate(job_document(state=unknown) | fields).to_job("me")
    assert job.status is JobStatus.UNKNOWN
    assert not job.status.is_terminal
    assert job.id == "job-1"
    assert job.created_at == pytest.approx(1795341600.123456)


@a_few
@given(state=st.text(), fields=FIELDS)
def test_unknown_words_of_a_dataset_make_it_wait(state: str, fields: dict[str, Any]) -> None:
    told = dataset_document(f"X{state}") | fields | {"status": {}}
    assert DatasetDocument.model_validate(told).to_file("me").state is FileState.PENDING


@a_few
@given(state=st.text(), fields=FIELDS)
def test_unknown_words_of_a_deployment_make_it_wait(state: str, fields: dict[str, Any]) -> None:
    told = deployment_document(f"X{state}") | fields
    seen = DeploymentDocument.model_validate(told).to_deployment()
    assert seen.state is DeploymentState.PENDING


@a_few
@given(FIELDS)
def test_unknown_words_of_a_model_are_no_deployment(fields: dict[str, Any]) -> None:
    deployments = ModelDocument.model_validate({"name": "accounts/a/models/b"} | fields).deployments
    assert all(isinstance(each, str) for each in deployments)


def test_what_a_failed_job_says() -> None:
    status = {"code": "INVALID_ARGUMENT", "message": "line 21"}
    told = job_document(state="JOB_STATE_FAILED", status=status, outputModel="accounts/me/models/x")
    job = JobDocument.model_validate(told).to_job("me")
    assert (job.error_code, job.error_message) == ("INVALID_ARGUMENT", "line 21")
    assert job.fine_tuned_model is None
    silent = JobDocument.model_validate(job_document(state="JOB_STATE_EXPIRED")).to_job("me")
    assert (silent.error_code, silent.error_message) == ("JOB_STATE_EXPIRED", None)


def test_what_a_job_made_is_told_by_its_full_name() -> None:
    for made, name in (("accounts/me/models/x", "x"), ("x", "x"), (None, "job-1")):
        told = job_document(
            state="JOB_STATE_COMPLETED",
            outputModel=made,
            jobProgress={"inputTokens": 70},
            metricsFileSignedUrl="https://example.org/m",
        )
        job = JobDocument.model_validate(told).to_job("me")
        assert job.fine_tuned_model == f"accounts/me/models/{name}"
        assert job.trained_tokens == 70
        assert job.result_files == ("job-1.metrics",)


def test_metrics_of_one_step_are_put_together() -> None:
    lines = [
        {"step": 2, "train/loss": 0.5, "train/epoch": 1},
        {"step": 1, "data": {"train/loss": 1, "train/mean_token_accuracy": 0.25}},
        {"event": "saved"},
        {"step": 2, "eval/loss": 0.75},
        {"step": 3, "train/loss": None},
    ]
    assert read_metrics(b"\n\n".join(map(orjson.dumps, lines))) == [
        StepMetric(1, train_loss=1.0, train_accuracy=0.25),
        StepMetric(2, train_loss=0.5, valid_loss=0.75),
        StepMetric(3),
    ]


@a_few
@given(st.lists(st.dictionaries(WORDS, JSON, max_size=3) | JSON, max_size=4))
def test_metrics_are_read_or_refused(lines: list[Any]) -> None:
    raw = "\n".join(map(json.dumps, lines)).encode()
    try:
        rows = read_metrics(raw)
    except ValueError:
        return
    assert rows
    assert all(row.train_loss is None or math.isfinite(row.train_loss) for row in rows)


def test_a_line_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="line 2"):
        read_metrics(b'{"step": 1}\n{"step"')


@a_few
@given(st.text())
def test_ids_are_such_as_are_taken(text: str) -> None:
    made = id_for(text)
    assert made.isascii()
    assert made.replace("-", "").isalnum()
    assert made == made.lower()
    assert len(made) + len("-12345678") <= 63


def test_names_of_models() -> None:
    assert owner_and_id("accounts/a/models/b") == ("a", "b")
    for other in ("b", "accounts/a/deployments/b", "accounts/a/models/b#accounts/a/deployments/c"):
        assert owner_and_id(other) is None


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, "accounts.lab.options.account_id"),
        ({"account_id": "Me!"}, "accounts.lab.options.account_id"),
        ({"account_id": "me", "max_replicas": 0}, "accounts.lab.options.max_replicas"),
        ({"account_id": "me", "shape": "x"}, "accounts.lab.options.shape"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], named: str) -> None:
    account = Account.model_validate(
        {"dialect": "fireworks", "base_url": "https://api.fireworks.ai", "options": options}
    )
    with pytest.raises(ConfigurationError, match=named) as caught:
        read_options(FireworksOptions, "lab", account)
    assert "Me!" not in caught.value.message
