"""A run on one page of the terminal."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from tuneq_producer.views.evaluation_table import evaluation_table
from tuneq_producer.views.run_table import STYLES
from tuneq_producer.views.run_view import RunView
from tuneq_producer.views.words import event_line, usd
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.ports.catalogue import Event

_EVENTS = 10


def print_run(console: Console, view: RunView, events: Sequence[Event]) -> None:
    """Print what is known of a run; what is not known is left out."""
    console.print(view.full_name, style="bold")
    console.print(_facts(view))
    if view.evaluations:
        console.print()
        console.print(evaluation_table(view.evaluations))
    _print_lines(console, "Artifacts", view.artifacts)
    shown = events[-_EVENTS:]
    title = "Events" if len(shown) == len(events) else f"Last {_EVENTS} events"
    _print_lines(console, title, [event_line(event) for event in shown])


def _facts(view: RunView) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _known(view):
        if value not in (None, "", "{}"):
            grid.add_row(
                name, str(value), style=STYLES.get(view.stage) if name == "stage" else None
            )
    return grid


def _known(view: RunView) -> Iterator[tuple[str, Any]]:
    yield "run", view.run
    yield "stage", view.stage + (f", {view.asked} asked" if view.asked else "")
    yield "held from", view.held_from
    if view.error:
        where = f" (in {view.error.stage})" if view.error.stage else ""
        yield "error", f"{view.error.code}: {view.error.message}{where}"
    if view.waiting_for:
        waiting = view.waiting_for
        yield "waits for", f"{waiting.kind} {waiting.on}: {waiting.reason}"
        yield "place in line", waiting.position
    yield "due again", _when(view.due_at)
    yield "failed tries", ", ".join(f"{stage} {n}" for stage, n in view.attempts.items())
    yield "account", view.account
    yield "model", view.model
    yield "trained on", f"{view.samples} samples" if view.samples else None
    yield "training file", view.training_file_id
    yield "validation file", view.validation_file_id
    yield "job", f"{view.job_id} ({view.job_status or 'status unknown'})" if view.job_id else None
    yield "candidates", _candidates(view)
    yield "tuned model", view.fine_tuned_model
    yield "trained tokens", view.trained_tokens
    if view.deployment:
        deployed = view.deployment
        trouble = f": it cannot be removed: {deployed.trouble}" if deployed.trouble else ""
        yield "deployed", f"{deployed.hours:.2f} h ({deployed.stage}{trouble})"
    cost = view.cost_usd
    hours = f", deployed {usd(cost.deployment)}" if cost.deployment is not None else ""
    yield "cost in USD", f"estimated {usd(cost.estimated)}, actual {usd(cost.actual)}{hours}"
    if cost.evaluation is not None or cost.evaluation_estimated is not None:
        most, actual = usd(cost.evaluation_estimated), usd(cost.evaluation)
        yield "its evaluation", f"estimated at most {most}, actual {actual}"
    yield "created", _when(view.created_at)
    yield "finished", _when(view.finished_at)
    yield "request", orjson.dumps(view.request).decode()


def _candidates(view: RunView) -> str:
    jobs = ", ".join(view.candidates)
    if not jobs or view.stage != RunStage.HELD:
        return jobs
    decide = f"tuneq release {view.full_name}"
    return f"{jobs}: `{decide} --job JOB_ID` if one is its job, `{decide} --new` if none is"


def _when(instant: datetime | None) -> str | None:
    return None if instant is None else instant.strftime("%Y-%m-%d %H:%M:%S UTC")


def _print_lines(console: Console, title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    console.print()
    console.print(title, style="bold")
    for line in lines:
        # Paths and sentences are not cut, so that they can be copied.
        console.print(f"  {line}", soft_wrap=True)
