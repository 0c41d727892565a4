"""A run as `tuneq show --json` prints it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tuneq_producer.step_metrics.summary import StepMetrics
from tuneq_producer.views.deployment_view import DeploymentView
from tuneq_producer.views.evaluation_view import EvaluationView, asked_view
from tuneq_shared.domain.evaluation import Evaluation
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import Kind
from tuneq_shared.domain.lifecycle import RunStage, is_terminal
from tuneq_shared.domain.record import Record
from tuneq_shared.domain.run import Prepared, Run
from tuneq_shared.domain.waiting import Place, Waiting, WaitKind


@dataclass(frozen=True, slots=True)
class Cost:
    """USD; none where no price is configured, or it is not known yet."""

    estimated: float | None  # of the training
    actual: float | None  # of the training
    deployment: float | None = None  # of the hours for which the tuned model was deployed
    evaluation: float | None = None  # of the tuned model's answers; baselines are the group's
    evaluation_estimated: float | None = None  # the same before they are asked for, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run. The field names are those of the JSON document."""

    run: str
    name: str
    group: str
    stage: str
    account: str
    model: str
    job_id: str | None
    job_status: str | None  # the provider's own word
    candidates: tuple[str, ...]  # jobs of which one may be its own; see `tuneq release`
    training_file_id: str | None
    validation_file_id: str | None
    fine_tuned_model: str | None
    trained_tokens: int | None
    error: Failure | None
    waiting_for: Waiting | None
    due_at: datetime | None
    asked: str | None  # cancel or release, not carried out yet
    held_from: str | None
    attempts: dict[str, int]
    cost_usd: Cost
    samples: int | None  # lines trained on; none before they are counted
    accuracy: float | None  # of the tuned model
    evaluations: tuple[EvaluationView, ...]
    deployment: DeploymentView | None  # of the tuned model, where its account needs one
    artifacts: tuple[str, ...]  # full paths
    created_at: datetime
    finished_at: datetime | None
    request: dict[str, Any]  # without defaults
    prepared: Prepared | None  # what was made of the datasets, with their digests
    step_metrics: StepMetrics | None = None  # where they were read

    @property
    def finished(self) -> bool:
        """Whether the run has ended, well or not."""
        return is_terminal(Kind.RUN, self.stage)

    @property
    def full_name(self) -> str:
        """GROUP/NAME, which every command takes for a RUN."""
        return f"{self.group}/{self.name}"

    @property
    def tuned(self) -> EvaluationView | None:
        """The evaluation of the tuned model, if it was asked for already."""
        return next((e for e in self.evaluations if e.role == "tuned"), None)


def run_view(
    run: Run,
    record: Record,
    evaluations: Mapping[str, Evaluation],
    data_url: str,
    deployment: DeploymentView | None,
) -> RunView:
    """The view of a run, of its record, and of what is there of its evaluations and deployment."""
    seen = tuple(_placed(asked_view(asked, evaluations), run.account) for asked in run.asked)
    tuned = next((each for each in seen if each.role == "tuned"), None)
    wanted = run.request.samples
    return RunView(
        run=run.id,
        name=run.name,
        group=run.request.group,
        stage=run.stage,
        account=run.account,
        model=run.request.model,
        job_id=run.job_id,
        job_status=run.job_status,
        candidates=run.candidates,
        training_file_id=run.training_file_id,
        validation_file_id=run.validation_file_id,
        fine_tuned_model=run.fine_tuned_model,
        trained_tokens=run.trained_tokens,
        error=run.failure,
        waiting_for=_waiting(run, record.place),
        due_at=_instant(record.due_at),
        asked=record.asked,
        held_from=run.held_from,
        attempts=run.attempts,
        cost_usd=Cost(
            run.cost_estimated,
            run.cost_actual,
            deployment.cost_usd if deployment else None,
            tuned.cost_usd if tuned else None,
            tuned.estimated_usd if tuned else None,
        ),
        samples=(run.prepared.examples if run.prepared else wanted.n if wanted else 0) or None,
        accuracy=tuned.accuracy if tuned else None,
        evaluations=seen,
        deployment=deployment,
        artifacts=tuple(f"{data_url.rstrip('/')}/{path}" for path in run.artifacts),
        created_at=datetime.fromtimestamp(run.created_at, UTC),
        finished_at=_instant(run.finished_at),
        request=run.request.model_dump(mode="json", exclude_defaults=True),
        prepared=run.prepared,
    )


def _placed(view: EvaluationView, own: str) -> EvaluationView:
    """The view, saying where it is asked if that is not the run's own account."""
    return view if view.account in {None, own} else replace(view, elsewhere=view.account)


def _waiting(run: Run, place: Place | None) -> Waiting | None:
    if is_terminal(Kind.RUN, run.stage):
        return None
    if place is None:
        held = Waiting(WaitKind.OPERATOR, run.id, "held") if run.stage is RunStage.HELD else None
        return run.waiting or held
    # In line for a slot: the line knows the place, and the document may know why.
    if run.waiting and run.waiting.kind is WaitKind.SLOT:
        return replace(run.waiting, position=place.position)
    return Waiting(WaitKind.SLOT, run.slot_pool, place.reason, place.position)


def _instant(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
