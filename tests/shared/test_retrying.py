"""Where a retry takes a run up again, and that it never buys twice."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import Kind
from tuneq_shared.domain.lifecycle import REVIVALS, RunStage
from tuneq_shared.domain.request import FineTuneRequest
from tuneq_shared.domain.run import Prepared, Purchase, Run
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.retrying import RETRIED, resumed

REQUEST = FineTuneRequest(model="m", training_file="sha256:" + "0" * 64, account="a")
PREPARED = Prepared("0" * 64, examples=10, tokens=100, tokens_method="characters/4")
S = RunStage


def failed(stage: str, code: str = "internal_error", **fields: Any) -> Run:
    return ended(S.FAILED, failure=Failure(code, "it broke", stage), **fields)


def ended(stage: RunStage, **fields: Any) -> Run:
    settled = {"finished_at": 9.0, "attempts": {"creating": 4}, **fields}
    return Run(id="r", stage=stage, request=REQUEST, created_at=1.0, **settled)


JOB: dict[str, Any] = {"prepared": PREPARED, "job_id": "ftjob-1", "job_status": "running"}
GOOD: dict[str, Any] = {**JOB, "job_status": "succeeded", "fine_tuned_model": "ft:m"}

TABLE = [
    (failed("submitted"), S.PREPARING, 0),
    (failed("preparing", "invalid_dataset"), S.PREPARING, 0),
    (failed("uploading", prepared=PREPARED), S.UPLOADING, 0),
    (failed("creating", prepared=PREPARED), S.UPLOADING, 0),
    (failed("training", **JOB), S.TRAINING, 0),
    (failed("training", **GOOD), S.TRAINING, 0),
    (failed("training", "job_failed", **{**JOB, "job_status": "failed"}), S.UPLOADING, 1),
    (failed("training", "job_cancelled", **{**JOB, "job_status": "cancelled"}), S.UPLOADING, 1),
    (failed("training", "job_failed", **JOB), S.TRAINING, 0),  # a provider's own word
    (failed("collecting", "job_failed", **GOOD), S.COLLECTING, 0),
    (failed("collecting", **GOOD), S.COLLECTING, 0),
    (failed("evaluating", "evaluation_incomplete", **GOOD), S.EVALUATING, 0),
    (ended(S.CANCELLED), S.PREPARING, 0),
    (ended(S.CANCELLED, prepared=PREPARED), S.UPLOADING, 0),
    (ended(S.CANCELLED, **GOOD), S.COLLECTING, 0),
    (ended(S.CANCELLED, **{**JOB, "job_status": "cancelled"}), S.UPLOADING, 1),
    (ended(S.CANCELLED, **{**JOB, "job_status": "failed"}), S.UPLOADING, 1),
]


@pytest.mark.parametrize(("run", "stage", "n"), TABLE)
def test_a_run_goes_on_where_its_last_result_counts(run: Run, stage: RunStage, n: int) -> None:
    again = resumed(run)
    assert (again.stage, again.purchase.n, again.again) == (stage, n, True)
    assert (again.attempts, again.failure) == ({}, None)
    assert (again.waiting, again.finished_at) == (None, None)


def test_a_purchase_of_unknown_outcome_is_looked_for() -> None:
    run = failed("creating", prepared=PREPARED, purchase=Purchase(2, 1234.5))
    assert resumed(run).purchase == Purchase(2, 1234.5)


def test_a_job_that_ended_badly_is_forgotten() -> None:
    run = failed("training", "job_failed", **{**JOB, "job_status": "failed"})
    again = resumed(run)
    assert (again.job_id, again.job_status, again.fine_tuned_model) == (None, None, None)
    assert again.prepared == PREPARED


@pytest.mark.parametrize("stage", [s for s in RunStage if s not in RETRIED])
def test_only_runs_that_ended_otherwise_than_well_are_retried(stage: RunStage) -> None:
    with pytest.raises(ValueError, match=stage):
        resumed(ended(stage))


RUNS = st.builds(
    Run,
    id=st.just("r"),
    stage=st.sampled_from(sorted(RETRIED)),
    request=st.just(REQUEST),
    created_at=st.just(1.0),
    prepared=st.none() | st.just(PREPARED),
    purchase=st.builds(Purchase, st.integers(0, 5), st.none() | st.just(7.0)),
    job_id=st.none() | st.just("ftjob-1"),
    job_status=st.none() | st.sampled_from(["running", "succeeded", "failed", "cancelled", "?"]),
    failure=st.none()
    | st.builds(
        Failure,
        st.sampled_from(["job_failed", "job_cancelled", "internal_error"]),
        st.just(""),
        st.sampled_from([*map(str, RunStage), ""]),
    ),
    waiting=st.none() | st.just(Waiting(WaitKind.RETRY, "a", "")),
    attempts=st.dictionaries(st.sampled_from(["creating"]), st.integers(1, 9)),
)


@given(RUNS)
def test_a_job_that_may_still_come_to_good_is_never_bought_again(run: Run) -> None:
    again = resumed(run)
    known_bad = run.job_status in {"failed", "cancelled"} or (
        run.job_status != "succeeded" and run.stage is S.CANCELLED
    )
    if run.job_id is None or not known_bad:
        assert again.purchase == run.purchase
        assert again.job_id == run.job_id
    else:
        assert again.purchase.n <= run.purchase.n + 1
    assert again.stage in REVIVALS[Kind.RUN][run.stage]
    if again.stage in {S.TRAINING, S.COLLECTING, S.EVALUATING}:
        assert again.job_id is not None
