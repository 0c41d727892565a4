"""What each model cost, against how often it was right."""

from collections.abc import Iterator

from tuneq_producer.report.assemble import Report
from tuneq_producer.report.html.palette import Palette, Spec
from tuneq_producer.report.pairing import baseline_name
from tuneq_producer.views.run_view import RunView


def cost_plot(report: Report, palette: Palette) -> Spec | None:
    """The plot of the models whose cost and accuracy are known; none where that is less than two.

    Cost is that of training (estimated where the actual one is not known), of hours deployed and of
    the evaluation's answers.
    """
    rows = list(_rows(report))
    if len({row["cost"] for row in rows}) < 2:  # noqa: PLR2004 - one point is no plot
        return None
    shape = {"field": "role", "type": "nominal"}
    kinds = {"domain": ["tuned", "baseline"]}
    return {
        "data": {"values": rows},
        "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
        "encoding": {
            "x": {
                "field": "cost",
                "type": "quantitative",
                "scale": {"padding": 12},
                "axis": {"title": "cost, USD", "grid": False, "tickCount": 6},
            },
            "y": {
                "field": "accuracy",
                "type": "quantitative",
                "scale": {"zero": False, "padding": 12},
                "axis": {"title": "accuracy, %", "tickCount": 6},
            },
            "color": {**shape, "scale": {**kinds, "range": list(palette.series[:2])}},
            "shape": {**shape, "scale": {**kinds, "range": ["circle", "diamond"]}},
            "tooltip": [
                {"field": "name", "type": "nominal"},
                {"field": "cost", "type": "quantitative", "title": "USD", "format": ",.4f"},
                {"field": "accuracy", "type": "quantitative", "format": ".2f"},
            ],
        },
    }


def _rows(report: Report) -> Iterator[Spec]:
    for run in report.runs:
        spent = _spent(run)
        if run.accuracy is not None and spent is not None:
            yield {
                "name": run.name,
                "role": "tuned",
                "cost": spent,
                "accuracy": 100 * run.accuracy,
            }
    for view in report.baselines:
        if view.accuracy is not None and view.cost_usd is not None:
            yield {
                "name": baseline_name(view),
                "role": "baseline",
                "cost": view.cost_usd,
                "accuracy": 100 * view.accuracy,
            }


def _spent(run: RunView) -> float | None:
    cost = run.cost_usd
    training = cost.estimated if cost.actual is None else cost.actual
    if training is None:
        return None
    return training + (cost.deployment or 0.0) + (cost.evaluation or 0.0)
