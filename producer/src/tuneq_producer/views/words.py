"""Numbers and times in the words of the tables."""

from datetime import UTC, datetime

from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_producer.views.run_view import RunView
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.ports.catalogue import Event

NOTHING = "-"
_STEPS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def percent(fraction: float | None) -> str:
    """A fraction in percent, with two decimals."""
    return NOTHING if fraction is None else f"{100 * fraction:.2f}"


def percent_interval(interval: tuple[float, float] | None) -> str:
    """Both ends in percent."""
    return NOTHING if interval is None else " - ".join(percent(end) for end in interval)


def points(difference: float | None) -> str:
    """Percentage points, with their sign."""
    return NOTHING if difference is None else f"{difference:+.2f}"


def points_interval(interval: tuple[float, float] | None) -> str:
    """Both ends in percentage points."""
    return NOTHING if interval is None else " to ".join(points(end) for end in interval)


def p_value(value: float) -> str:
    """Two digits of a probability; one that is less than a float can be is told as such."""
    return f"{value:.2g}" if value else "<1e-300"


def duration(seconds: float) -> str:
    """A length of time in its largest unit."""
    for unit_s, unit in _STEPS:
        if seconds >= unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def usd(amount: float | None) -> str:
    """An amount of money; small ones keep the digits that tell them from nothing."""
    if amount is None:
        return NOTHING
    return f"{amount:.2f}" if amount >= 1 or not amount else f"{amount:.4f}"


def number(value: int | None) -> str:
    """A count, or nothing."""
    return NOTHING if value is None else str(value)


def of_all(evaluation: EvaluationView | None) -> str:
    """How many were correct, of how many."""
    if evaluation is None or not evaluation.samples:
        return NOTHING
    return f"{evaluation.correct}/{evaluation.samples}"


def why_not_finished(view: RunView) -> str:
    """Why a run is where it is: its error, or what it waits for."""
    if view.error is not None:
        return f"{view.error.code}: {view.error.message}"
    if view.waiting_for is not None:
        place = view.waiting_for.position
        return f"{f'place {place} in line: ' if place else ''}{view.waiting_for.reason}"
    return ""


def why_no_result(view: RunView) -> str:
    """Why a run has no accuracy."""
    if view.stage == RunStage.SUCCEEDED and not view.evaluations:
        return "no evaluation was asked for"
    return why_not_finished(view)


def event_line(event: Event) -> str:
    """An event with its time in UTC."""
    at = datetime.fromtimestamp(event.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{at}  {event.stage:<10}  {event.message}".rstrip()
