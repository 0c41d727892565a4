"""Accuracy against the number of training samples: points, intervals, fits and forecast."""

from collections.abc import Callable, Iterator
from math import exp, log

from tuneq_producer.report.assemble import Report
from tuneq_producer.report.curves import Curve
from tuneq_producer.report.html.palette import Palette, Spec
from tuneq_producer.report.pairing import baseline_name
from tuneq_producer.statistics.fits import LogFit, PowerFit, Predicted
from tuneq_producer.statistics.line import LEAST_POINTS
from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_producer.views.run_view import RunView

_STEPS = 40  # of a drawn line
_MEASURED, _LOG, _POWER = "measured", "log fit", "power law"


def scaling_plot(report: Report, curve: Curve, palette: Palette) -> Spec:
    """The plot of a curve. Intervals are Student's of a mean of seeds, Wilson's of a single run."""
    measured = list(_measured(report, curve))
    fitted, forecast = list(_fitted(curve)), list(_forecast(curve))
    color = {
        "field": "what",
        "type": "nominal",
        "scale": {"domain": [_MEASURED, _LOG, _POWER], "range": list(palette.series[:3])},
        "legend": {"columns": 3},
    }
    x = {
        "field": "samples",
        "type": "quantitative",
        "scale": {"type": "log", "nice": False, "padding": 16},
        "axis": {
            "title": "training samples",
            "values": [row["samples"] for row in (*measured, *forecast[:1])],
            "format": ",d",
            "grid": False,
            "labelOverlap": "greedy",
            "labelSeparation": 6,
        },
    }
    y = {
        "field": "accuracy",
        "type": "quantitative",
        "scale": {"zero": False, "padding": 20},
        "axis": {"title": "accuracy, %", "tickCount": 6},
    }
    ends = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": color}
    dot = {"x": x, "y": y, "color": color, "tooltip": _tooltip()}
    line = {"type": "line", "strokeWidth": 1.5}
    full = {"type": "point", "size": 70, "opacity": 1, "filled": True}
    hollow = {"type": "point", "size": 70, "opacity": 1, "strokeWidth": 2}
    return {
        "layer": [
            *_baselines(report, curve, y, palette),
            _layer(fitted, line, {"x": x, "y": y, "color": color}),
            *_marked(measured, full, ends, dot),
            # Beside each other, as they are of one number of samples.
            *_marked([row for row in forecast if row["what"] == _LOG], hollow, ends, dot, -4),
            *_marked([row for row in forecast if row["what"] == _POWER], hollow, ends, dot, 4),
        ]
    }


def _marked(rows: list[Spec], mark: Spec, ends: Spec, dot: Spec, aside: int = 0) -> Iterator[Spec]:
    """Points with their intervals, so many pixels aside of their place."""
    known = [row for row in rows if "low" in row]
    yield _layer(known, {"type": "rule", "strokeWidth": 1.5, "xOffset": aside}, ends)
    yield _layer(rows, {**mark, "xOffset": aside}, dot)


def _layer(rows: list[Spec], mark: Spec, encoding: Spec) -> Spec:
    return {"data": {"values": rows}, "mark": mark, "encoding": encoding}


def _tooltip() -> list[Spec]:
    return [
        {"field": "what", "type": "nominal", "title": "what"},
        {"field": "samples", "type": "quantitative", "format": ",d"},
        {"field": "runs", "type": "nominal"},
        {"field": "accuracy", "type": "quantitative", "title": "accuracy, %", "format": ".2f"},
        {"field": "interval", "type": "nominal", "title": "95 %"},
    ]


def _measured(report: Report, curve: Curve) -> Iterator[Spec]:
    alone = {
        run.samples: tuned.interval
        for run, tuned in _members(report, curve)
        if curve.runs.get(run.samples or 0) == 1
    }
    for each in curve.scaling.spread:
        interval = each.interval or alone.get(each.samples)
        yield _row(_MEASURED, each.samples, each.mean, interval, str(each.runs))


def _forecast(curve: Curve) -> Iterator[Spec]:
    ahead = curve.scaling.forecast
    if ahead is None:
        return
    for what, value, interval in (
        (_LOG, ahead.log, ahead.log_interval),
        (_POWER, ahead.power, ahead.power_interval),
    ):
        if value is not None:
            yield _row(what, ahead.samples, value, interval, "forecast, not measured")


def _row(
    what: str, samples: int, accuracy: float, interval: tuple[float, float] | None, runs: str
) -> Spec:
    row: Spec = {"what": what, "samples": samples, "accuracy": 100 * accuracy, "runs": runs}
    row["interval"] = "unknown"
    if interval is not None:
        row["low"], row["high"] = (100 * end for end in interval)
        row["interval"] = f"{row['low']:.2f} - {row['high']:.2f}"
    return row


def _fitted(curve: Curve) -> Iterator[Spec]:
    points = curve.scaling.points
    if len(points) < LEAST_POINTS:
        return
    power = PowerFit.of(points)
    laws: dict[str, Callable[[float], Predicted] | None] = {
        _LOG: LogFit.of(points).at,
        _POWER: power.at if power else None,
    }
    first, last = log(points[0][0]), log(2 * points[-1][0])
    sizes = [exp(first + (last - first) * step / _STEPS) for step in range(_STEPS + 1)]
    for what, law in laws.items():
        for size in sizes if law else ():
            value = law(size).accuracy if law else None
            if value is not None:
                yield {"what": what, "samples": size, "accuracy": 100 * value}


def _members(report: Report, curve: Curve) -> Iterator[tuple[RunView, EvaluationView]]:
    ids = set(curve.members)
    for run in report.runs:
        if run.run in ids and run.tuned is not None:
            yield run, run.tuned


def _baselines(report: Report, curve: Curve, y: Spec, palette: Palette) -> Iterator[Spec]:
    """Those that were scored like the curve."""
    basis = next(tuned.basis for _, tuned in _members(report, curve))
    rows = [
        {"accuracy": 100 * view.accuracy, "name": baseline_name(view)}
        for view in report.baselines
        if view.accuracy is not None and view.basis == basis
    ]
    if rows:
        rule = {"type": "rule", "strokeDash": [5, 4], "color": palette.faint}
        words = {"type": "text", "align": "right", "baseline": "top", "dx": -4, "dy": 4}
        yield _layer(rows, rule, {"y": y})
        yield _layer(rows, {**words, "x": "width"}, {"y": y, "text": {"field": "name"}})
