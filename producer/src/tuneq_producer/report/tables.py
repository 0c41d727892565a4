"""A report's tables as cells, for whoever draws them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tuneq_producer.report.assemble import Report
from tuneq_producer.report.curves import Curve
from tuneq_producer.report.pairing import baseline_name
from tuneq_producer.report.rows import Row, rows_of
from tuneq_producer.views.words import NOTHING, number, of_all, percent, percent_interval, points


@dataclass(frozen=True, slots=True)
class Column:
    """A heading; figures stand to the right."""

    heading: str
    figures: bool = True


@dataclass(frozen=True, slots=True)
class CellTable:
    """A table of texts."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


_WORDS = ("name", "role", "model", "run", "baseline", "stage", "reason")
_COUNTS = ("correct", "wrong", "unparsed", "refused", "errored", "strict", "samples")


def accuracy_table(report: Report, *, with_model: bool) -> CellTable:
    """Who was measured, and how well they did."""
    cells: dict[str, Callable[[Row], str]] = {
        "name": lambda row: row.name,
        "role": lambda row: row.role,
        "model": lambda row: row.model,
        "shots": lambda row: str(row.shots),
        "trained": lambda row: number(row.trained_on),
        "acc. %": lambda row: percent(row.accuracy),
        "95 % interval": lambda row: percent_interval(row.interval),
        "correct/all": _denominator,
    }
    if not with_model:
        del cells["model"]
    rows = tuple(tuple(cell(row) for cell in cells.values()) for row in rows_of(report))
    return _table("Tuned against baseline", list(cells), rows)


def outcome_table(report: Report) -> CellTable:
    """What became of the samples. Unparsed and refused count as wrong; errored has no answer."""
    rows = tuple(
        (_label(row), *(str(getattr(row.evaluation, name)) for name in _COUNTS))
        for row in rows_of(report)
        if row.evaluation is not None and row.evaluation.samples
    )
    return _table("Outcomes of the samples", ["name", *_COUNTS], rows)


def comparison_tables(report: Report) -> Iterator[CellTable]:
    """Tuned less baseline on the same samples, a table for each baseline."""
    headings = ["run", "points", "only baseline", "only tuned", "samples", "p (McNemar)"]
    for view in report.baselines:
        rows = tuple(
            (
                pair.name,
                points(pair.difference),
                str(pair.b),
                str(pair.c),
                str(pair.samples),
                f"{pair.p_value:.2g}",
            )
            for pair in report.comparison
            if pair.baseline_evaluation == view.evaluation
        )
        yield _table(f"Against {baseline_name(view)}, sample by sample", headings, rows)


def curve_table(curve: Curve) -> CellTable:
    """Accuracy by the number of samples trained on."""
    rows = []
    before: float | None = None
    for samples, accuracy in curve.scaling.points:
        gain = None if before is None else 100 * (accuracy - before)
        rows.append((str(samples), str(curve.runs[samples]), percent(accuracy), points(gain)))
        before = accuracy
    title = f"Training samples against accuracy: {curve.model}{_method(curve)}"
    return _table(title, ["samples", "runs", "accuracy %", "gain"], rows)


def curve_notes(curve: Curve) -> Iterator[str]:
    """What the fits say, in sentences."""
    scaling = curve.scaling
    if scaling.points_per_doubling is None:
        yield f"no fit: {len(scaling.points)} distinct numbers of samples, it takes 3"
    else:
        quality = "" if scaling.r_squared is None else f" (R2 {scaling.r_squared:.4f})"
        yield f"fitted: {points(scaling.points_per_doubling)} points per doubling{quality}"
    if scaling.observed_last_doubling is not None:
        yield f"observed in the last doubling: {points(scaling.observed_last_doubling)} points"
    if scaling.power_alpha is not None:
        yield f"power law: the error falls as samples^-{scaling.power_alpha:.4f}"
    if scaling.forecast is not None:
        log_fit = scaling.forecast.log
        by_log = "none (past 100 %)" if log_fit is None else f"{percent(log_fit)} %"
        by_power = scaling.forecast.power
        power = "none" if by_power is None else f"{percent(by_power)} %"
        yield f"forecast at {scaling.forecast.samples} samples: {by_log} (log), {power} (power law)"


def missing_table(report: Report) -> CellTable:
    """Runs without a result, and why."""
    rows = tuple((m.name, m.run, m.stage, m.reason) for m in report.missing)
    title = f"Without a result: {len(rows)} of {len(report.runs)} runs"
    return _table(title, ["name", "run", "stage", "reason"], rows)


def notes(report: Report) -> Iterator[str]:
    """What could not be compared, and what it all cost."""
    for pair in report.uncompared:
        yield f"{pair.name} was not compared with {pair.baseline}: {pair.reason}"
    cost, runs = report.cost_usd, len(report.runs)
    if not cost.runs_estimated and not cost.runs_actual:
        yield "training cost: unknown, no prices are configured"
        return
    estimated = f"estimated {cost.estimated:.2f} USD ({cost.runs_estimated} of {runs} runs)"
    actual = f"actual {cost.actual:.2f} USD ({cost.runs_actual} of {runs} runs)"
    yield f"training cost: {estimated}, {actual}"


def _denominator(row: Row) -> str:
    """The count it rests on; the stage that it is in where there is none yet."""
    return row.stage if of_all(row.evaluation) == NOTHING else of_all(row.evaluation)


def _label(row: Row) -> str:
    """One that tells a baseline's numbers of shots apart."""
    return baseline_name(row.evaluation) if row.evaluation and not row.run else row.name


def _method(curve: Curve) -> str:
    knobs = curve.method.get("supervised", {}).get("hyperparameters", {})
    said = ", ".join(f"{name} {value}" for name, value in knobs.items())
    return f", {said}" if said else ""


def _table(title: str, headings: Sequence[str], rows: Sequence[tuple[str, ...]]) -> CellTable:
    columns = tuple(Column(heading, heading not in _WORDS) for heading in headings)
    return CellTable(title, columns, tuple(rows))
