"""The colours of the plots, and what they all look like."""

from dataclasses import dataclass
from typing import Any

Spec = dict[str, Any]
"""A Vega-Lite specification, or a part of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours by what they are for, as CSS writes them."""

    ink: str
    faint: str
    line: str
    paper: str
    series: tuple[str, ...]


ON_PAGE = Palette(
    ink="var(--ink)",
    faint="var(--faint)",
    line="var(--line)",
    paper="transparent",
    series=tuple(f"var(--series-{n})" for n in range(1, 7)),
)
"""The page says which they are, in light and in dark."""

PRINTED = Palette(
    ink="#1d2329",
    faint="#5b6670",
    line="#dde2e7",
    paper="#ffffff",
    # Okabe and Ito (2008): told apart by the colour-blind, too.
    series=("#0072b2", "#d55e00", "#009e73", "#a0538a", "#8a6d00", "#5b6670"),
)
"""For pictures."""


def styled(spec: Spec, palette: Palette) -> Spec:
    """The whole specification of a plot."""
    text = {"labelColor": palette.faint, "titleColor": palette.faint, "titleFontWeight": "normal"}
    axis = {"gridColor": palette.line, "domainColor": palette.line, "tickColor": palette.line}
    sizes = {"labelFontSize": 12, "titleFontSize": 12}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": "container",
        "height": 300,
        "background": palette.paper,
        **spec,
        "config": {
            "font": "system-ui, sans-serif",
            "view": {"stroke": None},
            "axis": {**text, **axis, **sizes},
            "legend": {**text, **sizes, "orient": "bottom", "title": None, "columns": 2},
            "range": {"category": list(palette.series)},
            "title": {"color": palette.ink, "fontSize": 14, "anchor": "start"},
            "text": {"color": palette.faint, "fontSize": 12},
        },
    }
