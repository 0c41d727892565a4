"""Jobs at Together: ordering, finding, and whatever they tell of themselves."""

import logging
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.worker.openai_support import KEY, Reply
from tests.worker.together_support import JOBS, job, serving, spec, together

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import JobStatus, ProviderError
from tuneq_worker.providers.openai.errors import read_answer
from tuneq_worker.providers.together.documents import (
    DeploymentDocument,
    FileDocument,
    JobDocument,
)
from tuneq_worker.providers.together.purchases import LONGEST, purchase_in, suffix_of

MARKED = job(suffix="tq-abc-1")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ANYTHING = st.dictionaries(st.text(), JSON, max_size=4)
SOMETHING: st.SearchStrategy[Any] = st.none() | st.text() | st.lists(st.none()) | st.just({})


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({}, {}),
        ({"suffix": "mine", "seed": 3}, {"suffix": "mine-tq-abc-1", "random_seed": 3}),
        ({"purchase": None, "suffix": "mine"}, {"suffix": "mine"}),
        ({"validation_file": "file-2"}, {"validation_file": "file-2", "n_evals": 1}),
        ({"n_epochs": "auto", "batch_size": "auto"}, {}),
        ({"n_epochs": 2, "batch_size": 4}, {"n_epochs": 2, "batch_size": 4}),
        ({"weight_decay": 0.0, "packing": False}, {"weight_decay": 0.0, "packing": False}),
        (
            {"learning_rate": 2e-5, "context_length": 9},
            {"learning_rate": 2e-5, "max_seq_length": 9},
        ),
        ({"lora": True}, {}),
        ({"lora": False}, {"training_type": {"type": "Full"}}),
        ({"lora_r": 4}, {"training_type": {"type": "Lora", "lora_r": 4, "lora_alpha": 8}}),
        (
            {"lora_alpha": 32, "lora_dropout": 0.1},
            {"training_type": {"type": "Lora", "lora_r": 8, "lora_alpha": 32, "lora_dropout": 0.1}},
        ),
    ],
)
def test_an_order_says_what_was_asked_for_and_nothing_else(
    changes: dict[str, Any], sent: dict[str, Any]
) -> None:
    limits = {"lora_training": {"default_rank": 8}}
    with serving({("POST", JOBS): MARKED, ("GET", f"{JOBS}/models/limits"): limits}) as server:
        together(server.port).create_job(spec(**changes))
    (asked,) = server.posts()
    always = {
        "model": "base",
        "training_file": "file-1",
        "training_method": {"method": "sft", "train_on_inputs": "auto"},
        "suffix": "tq-abc-1",
    }
    assert asked.json() == always | sent
    assert asked.headers["authorization"] == f"Bearer {KEY}"


def test_a_job_that_does_not_bear_its_purchase_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    with serving({("POST", JOBS): job()}) as server, caplog.at_level(logging.WARNING):
        assert together(server.port).create_job(spec()).id == "ft-1"
    assert "ft-1 does not bear its purchase" in caplog.text


@pytest.mark.parametrize(
    "mark",
    [
        {"suffix": "tq-abc-1"},
        {"suffix": "mine-tq-abc-1"},
        {"model_output_name": "me/base:mine-tq-abc-1:ft-1"},
        {"suffix": "", "model_output_name": "me/base-mine-tq-abc-1-e5a0fb5d"},
    ],
)
def test_a_purchase_is_found_by_what_its_model_is_called(mark: dict[str, str]) -> None:
    others = [job("ft-2", suffix="tq-abc-11"), job("ft-3"), job("ft-4", status=7), {"id": None}]
    with serving({("GET", JOBS): {"data": [*others, job(**mark)]}}) as server:
        found = together(server.port).find_jobs("abc/1", since=0.0)
    assert [(each.id, each.purchase) for each in found] == [("ft-1", "abc/1")]


@pytest.mark.parametrize("listing", [{"data": "none"}, {}, [], {"data": [{**MARKED, "id": 7}]}])
def test_a_listing_that_cannot_be_read_is_no_empty_one(listing: Any) -> None:
    with serving({("GET", JOBS): listing}) as server, pytest.raises(ProviderError) as caught:
        together(server.port).find_jobs("abc/1", since=None)
    assert caught.value.kind is ErrorKind.MALFORMED


def test_a_failed_job_tells_its_last_error() -> None:
    events = [
        {"type": "job_error", "message": "second", "created_at": "2026-11-22T10:02:00Z"},
        {"type": "job_error", "message": "first", "created_at": "2026-11-22T10:01:00Z"},
        {"type": "warning", "message": "neither", "created_at": "2026-11-22T10:03:00Z"},
    ]
    failed = read_answer(JobDocument, job(status="user_error", events=events)).to_job()
    assert (failed.status, failed.error_code) == (JobStatus.FAILED, "user_error")
    assert failed.error_message == "second"


def test_cancelled_upon_request_is_no_end_until_it_is_one() -> None:
    told = [job(status=s) for s in ("cancel_requested", "compressing", "uploading", "completed")]
    seen = [read_answer(JobDocument, each).to_job().status for each in told]
    assert seen == [JobStatus.RUNNING] + 3 * [JobStatus.FINALIZING]  # there is no model yet
    assert not any(status.is_terminal for status in seen)


@settings(max_examples=50)
@given(st.text(), ANYTHING, SOMETHING)
@example("pending", {}, 10**400)  # more than a float holds
def test_what_is_unknown_does_no_harm(status: str, extra: dict[str, Any], odd: Any) -> None:
    named = dict.fromkeys(("events", "progress", "token_count", "created_at", "suffix"), odd)
    seen = read_answer(JobDocument, {**extra, **job(status=status, **named)}).to_job()
    assert seen.raw_status == status
    if seen.status is JobStatus.UNKNOWN:
        assert not seen.status.is_terminal
    file = {**extra, "id": "file-1", "processing_status": status, "validation_report": odd}
    assert read_answer(FileDocument, file).to_file().id == "file-1"
    deployment = {"id": "dep_1", "name": "a/b/c", "state": status, "createdAt": odd, "status": odd}
    assert (
        read_answer(DeploymentDocument, {**extra, **deployment}).to_deployment("ep_1").name == "b"
    )


@given(
    st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=64),
    st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=20, max_size=20),
    st.integers(1, 999),
)
def test_a_suffix_tells_its_purchase_whatever_was_given(
    given_: str | None, run: str, number: int
) -> None:
    suffix = suffix_of(given_, f"{run}/{number}")
    assert suffix is not None
    assert len(suffix) <= LONGEST
    assert purchase_in(suffix) == f"{run}/{number}"
    assert purchase_in(f"me/base:{suffix}:ft-1") == f"{run}/{number}"


def test_the_longest_suffix_of_the_dialect_is_kept_whole() -> None:
    assert suffix_of("x" * 12, f"{'a' * 20}/999") == f"{'x' * 12}-tq-{'a' * 20}-999"


def test_a_refusal_of_long_input_is_no_refusal_of_the_key() -> None:
    words = "Input token count + max_tokens parameter must be less than the context length"
    refusal = Reply({"error": {"message": words, "type": "t"}}, 403)
    told = {("GET", f"{JOBS}/ft-1"): refusal}
    with serving(told) as server, pytest.raises(ProviderError) as caught:
        together(server.port).job("ft-1")
    assert caught.value.kind is ErrorKind.BAD_REQUEST
