"""Which evaluations of a run are looked at."""

from tuneq_producer.report.pairing import baseline_name
from tuneq_producer.report.predictions import UnpairableError, require_alike
from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_producer.views.run_view import RunView
from tuneq_producer.views.words import why_not_finished
from tuneq_shared.domain.lifecycle import EvaluationStage
from tuneq_shared.errors import InvalidInputError, NotFoundError

_ENDED = {EvaluationStage.DONE, EvaluationStage.INCOMPLETE}


def tuned_evaluation(run: RunView) -> EvaluationView:
    """The ended evaluation of a run's tuned model.

    Raises:
        NotFoundError: none was asked for.
        InvalidInputError: it has not ended with predictions.
    """
    tuned = run.tuned
    if tuned is None and "evaluation" not in run.request:
        raise NotFoundError(
            f"{run.full_name} has no evaluation",
            hint="submit it with --evaluate FILE, under another name",
        )
    if tuned is None:
        reason = why_not_finished(run)
        raise InvalidInputError(
            f"{run.full_name} is not evaluated yet: it is {run.stage}"
            + (f" ({reason})" if reason else ""),
            hint=f"`tuneq show {run.full_name}` tells how it stands",
        )
    if tuned.stage not in _ENDED or tuned.artifact is None:
        raise InvalidInputError(
            f"the evaluation of {tuned.model} has no predictions yet: it is {tuned.stage}",
            hint=f"`tuneq wait {run.full_name}` waits for it",
        )
    return tuned


def chosen_baseline(
    run: RunView, tuned: EvaluationView, wanted: str | None
) -> tuple[EvaluationView | None, str]:
    """The baseline that is wanted, by default the first that was scored alike.

    With it what there is to say: why there is none, or which others there are.

    Args:
        run: whose baselines they are.
        tuned: its own evaluation.
        wanted: MODEL or MODEL:SHOTS, or the id of a baseline's evaluation.

    Raises:
        InvalidInputError: that one is none of the run's, is not unique, or was not scored alike.
    """
    views = [view for view in run.evaluations if view.role == "baseline"]
    if wanted is not None:
        return _named(views, tuned, wanted), ""
    reasons = []
    for place, view in enumerate(views):
        try:
            require_alike(view, tuned)
        except UnpairableError as reason:
            reasons.append(f"{baseline_name(view)} is left out: {reason}")
            continue
        others = ", ".join(map(baseline_name, views[place + 1 :]))
        return view, f"--baseline chooses another one: {others}" if others else ""
    return None, "; ".join(reasons) or "the run has no baseline to set it against"


def _named(views: list[EvaluationView], tuned: EvaluationView, wanted: str) -> EvaluationView:
    found = [view for view in views if wanted in (baseline_name(view), view.evaluation)]
    known = ", ".join(map(baseline_name, views)) or "none"
    if not found:
        raise InvalidInputError(
            f"the run has no baseline {wanted}", hint=f"its baselines are: {known}"
        )
    if len(found) > 1:
        ids = ", ".join(view.evaluation for view in found)
        raise InvalidInputError(
            f"several baselines of the run are {wanted}",
            hint=f"name one by its evaluation: {ids}",
        )
    try:
        require_alike(found[0], tuned)
    except UnpairableError as reason:
        raise InvalidInputError(f"{wanted} cannot be set against {tuned.model}: {reason}") from None
    return found[0]
