"""Vega, by vl-convert: its script for pages, and pictures without a browser.

Only the extra `plots` brings it, so it is imported when it is called for.
"""

from types import ModuleType

from tuneq_producer.report.html.palette import Spec
from tuneq_shared.errors import InvalidInputError

# `ast`: expressions are interpreted, so that the page can forbid `eval`.
_DRAW = """
for (const plot of document.querySelectorAll("[data-plot]")) {
  vegaEmbed(plot, JSON.parse(document.getElementById(plot.dataset.plot).textContent), {
    actions: false, ast: true, renderer: "svg", defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
  });
}
"""


def page_script() -> str:
    """A script that draws every plot of the page, with all that it needs.

    Raises:
        InvalidInputError: vl-convert is not installed.
    """
    script: str = _engine().javascript_bundle(_DRAW)
    return script


def picture(spec: Spec) -> bytes:
    """A plot as PNG, at twice its size.

    Raises:
        InvalidInputError: vl-convert is not installed.
    """
    png: bytes = _engine().vegalite_to_png(spec, scale=2, allowed_base_urls=[])
    return png


def _engine() -> ModuleType:
    try:
        import vl_convert  # noqa: PLC0415 - see above
    except ImportError as error:
        raise plots_missing() from error
    return vl_convert


def plots_missing() -> InvalidInputError:
    """What to say where the extra is not installed."""
    return InvalidInputError(
        "--html and --png need vl-convert-python and jinja2, which are not installed",
        hint="pip install 'tuneq-producer[plots]'",
    )
