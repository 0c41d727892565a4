"""Losses by step of training, smoothed."""

from collections.abc import Mapping

from tuneq_producer.report.html.palette import Spec
from tuneq_producer.step_metrics.summary import StepMetrics

_LOSSES = {"train_loss": "training", "valid_loss": "validation"}


def loss_plot(metrics: Mapping[str, StepMetrics]) -> Spec:
    """The plot of some trainings, by the names of their runs."""
    rows = [
        {"run": name, "step": point.step, "loss": loss, "of": words}
        for name, told in metrics.items()
        for field, words in _LOSSES.items()
        for point in told.curve
        if (loss := getattr(point, field)) is not None
    ]
    return {
        "data": {"values": rows},
        "mark": {"type": "line", "strokeWidth": 1.5},
        "encoding": {
            "x": {"field": "step", "type": "quantitative", "axis": {"grid": False, "tickCount": 6}},
            "y": {"field": "loss", "type": "quantitative", "scale": {"zero": False}},
            "color": {"field": "run", "type": "nominal", "sort": list(metrics)},
            "strokeDash": {
                "field": "of",
                "type": "nominal",
                "scale": {"domain": list(_LOSSES.values()), "range": [[1, 0], [4, 3]]},
            },
            "tooltip": [
                {"field": "run", "type": "nominal"},
                {"field": "of", "type": "nominal", "title": "loss of"},
                {"field": "step", "type": "quantitative"},
                {"field": "loss", "type": "quantitative", "format": ".4f"},
            ],
        },
    }
