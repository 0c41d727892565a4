"""The scaling curve as a picture."""

from tuneq_producer.report.assemble import Report
from tuneq_producer.report.curve_table import curve_table
from tuneq_producer.report.html.engine import picture
from tuneq_producer.report.html.palette import PRINTED, styled
from tuneq_producer.report.html.scaling_plot import scaling_plot
from tuneq_shared.errors import InvalidInputError

_WIDTH, _HEIGHT = 640, 400


def draw_curve(report: Report) -> bytes:
    """The curve with most points, as PNG.

    Raises:
        InvalidInputError: there is no curve, or the extra `plots` is not installed.
    """
    if not report.curves:
        raise InvalidInputError(
            "there is no curve to draw: no run has both an accuracy and a number of samples",
            hint="`tuneq report` says which runs are without a result, and why",
        )
    curve = report.curves[0]
    size = {"width": _WIDTH, "height": _HEIGHT, "padding": 16, "title": curve_table(curve).title}
    return picture(styled({**size, **scaling_plot(report, curve, PRINTED)}, PRINTED))
