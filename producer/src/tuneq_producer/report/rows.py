"""The first table of a report: one row for each model that was measured, or was to be."""

from collections.abc import Iterator
from dataclasses import dataclass

from tuneq_producer.report.assemble import Report
from tuneq_producer.views.evaluation_view import EvaluationView


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A model and its score."""

    name: str  # of the run; of the model for a baseline
    run: str  # empty for a baseline
    role: str
    model: str
    shots: int
    trained_on: int | None  # lines
    evaluation: EvaluationView | None
    stage: str  # of the run, or of the baseline's evaluation

    @property
    def accuracy(self) -> float | None:
        """As a fraction, once it is known."""
        return self.evaluation.accuracy if self.evaluation else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval."""
        return self.evaluation.interval if self.evaluation else None


def rows_of(report: Report) -> Iterator[Row]:
    """Baselines first, then the runs from few samples to many, and those of unknown samples."""
    for view in report.baselines:
        yield Row(
            name=f"{view.model}@{view.elsewhere}" if view.elsewhere else view.model,
            run="",
            role="baseline",
            model=view.model,
            shots=view.shots,
            trained_on=None,
            evaluation=view,
            stage=view.stage,
        )
    for run in sorted(report.runs, key=lambda run: (run.samples is None, run.samples)):
        yield Row(
            name=run.name,
            run=run.run,
            role="tuned",
            model=run.fine_tuned_model or run.model,
            shots=0,
            trained_on=run.samples,
            evaluation=run.tuned,
            stage=run.stage,
        )
