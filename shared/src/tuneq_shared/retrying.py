"""Where an operator's retry takes an ended run up again: a pure decision."""

from dataclasses import replace

from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Purchase, Run

RETRIED = frozenset({RunStage.FAILED, RunStage.CANCELLED})
"""The stages that a retry takes runs up from."""

_JOB_SUCCEEDED = "succeeded"
_JOB_ENDED_BADLY = frozenset({"failed", "cancelled"})
_BACK_TO: dict[str, RunStage] = {
    RunStage.SUBMITTED: RunStage.PREPARING,
    RunStage.PREPARING: RunStage.PREPARING,
    RunStage.UPLOADING: RunStage.UPLOADING,
    RunStage.CREATING: RunStage.UPLOADING,  # by now the provider may have lost the file
    RunStage.TRAINING: RunStage.TRAINING,
    RunStage.COLLECTING: RunStage.COLLECTING,
    RunStage.EVALUATING: RunStage.EVALUATING,
}
_WITH_JOB = frozenset({RunStage.TRAINING, RunStage.COLLECTING, RunStage.EVALUATING})


def resumed(run: Run) -> Run:
    """The run as it goes on: from the last stage whose result still counts.

    A new purchase is begun only where the job of the present one is known to have ended without
    success. A purchase that was never answered keeps its intent, so that its job is looked for.

    Raises:
        ValueError: the run has not ended, or ended well.
    """
    if run.stage not in RETRIED:
        raise ValueError(f"a run that is {run.stage} is not retried")
    run_on = _bought_anew(run) if _job_ended_badly(run) else replace(run, stage=_stage(run))
    return replace(
        run_on,
        again=True,
        job_since=None,
        attempts={},
        candidates=(),
        failure=None,
        waiting=None,
        held_from=None,
        finished_at=None,
    )


def _job_ended_badly(run: Run) -> bool:
    if run.job_id is None or run.job_status == _JOB_SUCCEEDED:
        return False
    if run.stage is RunStage.CANCELLED:  # which a run with a job becomes when the job has ended
        return True
    # What the job was seen to be: a failure's code may be any word that a provider sent.
    return run.job_status in _JOB_ENDED_BADLY


def _bought_anew(run: Run) -> Run:
    return replace(
        run,
        stage=RunStage.UPLOADING,
        purchase=Purchase(run.purchase.n + 1),
        job_id=None,
        disowned=run.disowned + tuple(filter(None, [run.job_id])),
        job_status=None,
        fine_tuned_model=None,
        trained_tokens=None,
        artifacts=(),
        asked=(),
        cost_actual=None,
    )


def _stage(run: Run) -> RunStage:
    failed_in = run.failure.stage if run.failure and run.stage is RunStage.FAILED else ""
    stage = _BACK_TO.get(failed_in)
    if stage is not None and (stage in _WITH_JOB) == (run.job_id is not None):
        return stage
    if run.job_id is None:
        return RunStage.PREPARING if run.prepared is None else RunStage.UPLOADING
    return RunStage.COLLECTING if run.job_status == _JOB_SUCCEEDED else RunStage.TRAINING
