"""A straight line through points, and how sure what it says is."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import correlation, fmean, linear_regression

from scipy.special import stdtrit

LEAST_POINTS = 3
"""Below which a line goes through all of them, and nothing is known of how sure it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The line of least squares through points.

    Its intervals are Student's, with two degrees of freedom less than points (Draper and Smith,
    Applied Regression Analysis, 1998).
    """

    slope: float
    intercept: float
    r_squared: float | None  # none where y does not vary
    points: int
    centre: float  # mean of x
    width: float  # sum of the squares of x - centre
    deviation: float  # of the points from the line

    def at(self, x: float) -> float:
        """What the line says of x."""
        return self.intercept + self.slope * x

    @property
    def slope_interval(self) -> tuple[float, float]:
        """95 % of the slope."""
        margin = self._quantile() * self.deviation / sqrt(self.width)
        return self.slope - margin, self.slope + margin

    def interval_at(self, x: float) -> tuple[float, float]:
        """95 % of a new point at x."""
        share = 1 + 1 / self.points + (x - self.centre) ** 2 / self.width
        margin = self._quantile() * self.deviation * sqrt(share)
        return self.at(x) - margin, self.at(x) + margin

    def _quantile(self) -> float:
        return float(stdtrit(self.points - 2, 0.975))


def line_through(x: Sequence[float], y: Sequence[float]) -> Line:
    """Fit y on x.

    Raises:
        ValueError: there are less than three points, or all have one x.
    """
    if len(x) < LEAST_POINTS:
        raise ValueError(f"{len(x)} points tell nothing of a line")
    slope, intercept = linear_regression(x, y)
    centre = fmean(x)
    squares = sum((b - intercept - slope * a) ** 2 for a, b in zip(x, y, strict=True))
    return Line(
        slope=slope,
        intercept=intercept,
        r_squared=correlation(x, y) ** 2 if min(y) < max(y) else None,
        points=len(x),
        centre=centre,
        width=sum((a - centre) ** 2 for a in x),
        deviation=sqrt(squares / (len(x) - 2)),
    )
