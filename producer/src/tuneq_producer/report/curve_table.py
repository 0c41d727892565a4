"""A curve's table, and what the fits say of it."""

from collections.abc import Iterator

from tuneq_producer.report.cells import CellTable, cell_table
from tuneq_producer.report.curves import Curve
from tuneq_producer.statistics.scaling import Forecast, Scaling
from tuneq_producer.views.words import (
    percent,
    percent_interval,
    points,
    points_interval,
)


def curve_table(curve: Curve) -> CellTable:
    """Accuracy by the number of samples trained on; with the spread where sizes were repeated."""
    headings = ["samples", "runs", "accuracy %", "gain"]
    repeated = any(each.deviation is not None for each in curve.scaling.spread)
    rows = []
    before: float | None = None
    for each in curve.scaling.spread:
        gain = None if before is None else 100 * (each.mean - before)
        row = (str(each.samples), str(each.runs), percent(each.mean), points(gain))
        rows.append((*row, percent(each.deviation), percent_interval(each.interval)))
        before = each.mean
    title = f"Training samples against accuracy: {curve.model}{_method(curve)}"
    if repeated:
        return cell_table(title, [*headings, "sd", "95 % of the mean"], rows)
    return cell_table(title, headings, [row[: len(headings)] for row in rows])


def curve_notes(curve: Curve) -> Iterator[str]:
    """What the fits say, in sentences."""
    scaling = curve.scaling
    if any(each.deviation is not None for each in scaling.spread):
        yield "sd: between runs of one size; 95 % of their mean by Student's t"
    yield _fitted(scaling)
    if scaling.observed_last_doubling is not None:
        yield f"observed in the last doubling: {points(scaling.observed_last_doubling)} points"
    if scaling.power_alpha is not None and scaling.error_ratio_per_doubling is not None:
        left = f"each doubling leaves {100 * scaling.error_ratio_per_doubling:.1f} % of it"
        yield f"power law: the error falls as samples^-{scaling.power_alpha:.4f}, {left}"
    if scaling.forecast is not None:
        yield from _forecast(scaling.forecast)


def _fitted(scaling: Scaling) -> str:
    if scaling.points_per_doubling is None:
        return f"no fit: {len(scaling.points)} distinct numbers of samples, it takes 3"
    quality = "" if scaling.r_squared is None else f" (R2 {scaling.r_squared:.4f})"
    sure = f", 95 % {points_interval(scaling.points_per_doubling_interval)}"
    return f"fitted: {points(scaling.points_per_doubling)} points per doubling{quality}{sure}"


def _forecast(forecast: Forecast) -> Iterator[str]:
    by_log = "none (outside 0 - 100 %)" if forecast.log is None else f"{percent(forecast.log)} %"
    power = "none" if forecast.power is None else f"{percent(forecast.power)} %"
    yield f"forecast at {forecast.samples} samples: {by_log} (log), {power} (power law)"
    ends = ((forecast.log_interval, "log"), (forecast.power_interval, "power law"))
    known = [f"{percent_interval(interval)} % ({law})" for interval, law in ends if interval]
    if known:
        yield f"a further point there, 95 %: {', '.join(known)}"
    yield "a forecast holds while the curve goes on as it did; nothing was measured there"


def _method(curve: Curve) -> str:
    kind = curve.method.get("type", "supervised")
    knobs = curve.method.get(kind, {}).get("hyperparameters", {})
    said = ", ".join(f"{name} {value}" for name, value in knobs.items())
    return f", {said}" if said else ""
