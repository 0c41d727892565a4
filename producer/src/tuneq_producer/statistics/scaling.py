"""How accuracy grows with the number of training samples."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log, log2
from statistics import StatisticsError, correlation, fmean, linear_regression

LEAST_POINTS = 3
"""Distinct sample counts below which nothing is fitted."""

Point = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the fits expect of a number of samples, as fractions; none where a fit has no say."""

    samples: int
    log: float | None
    power: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """The curve and what was fitted to it; none where there are too few points."""

    points: tuple[Point, ...]  # samples trained on, accuracy as a fraction
    points_per_doubling: float | None = None  # percentage points, fitted
    r_squared: float | None = None  # of that fit; none where accuracy does not vary
    power_alpha: float | None = None  # error falls as samples to the power of minus this
    observed_last_doubling: float | None = None  # percentage points, not fitted
    forecast: Forecast | None = None  # at twice the largest number of samples


def mean_by_samples(measured: Iterable[Point]) -> tuple[Point, ...]:
    """One point for each number of samples: the mean accuracy of the runs trained on so many."""
    by_samples: dict[int, list[float]] = {}
    for samples, accuracy in measured:
        by_samples.setdefault(samples, []).append(accuracy)
    return tuple((n, fmean(by_samples[n])) for n in sorted(by_samples))


def scaling_of(measured: Iterable[Point]) -> Scaling:
    """Fit accuracy on log2 of samples, and ln(error) on ln(samples), by least squares.

    Args:
        measured: samples trained on, at least 1, and accuracy as a fraction.
    """
    points = mean_by_samples(measured)
    observed = _last_doubling(points)
    if len(points) < LEAST_POINTS:
        return Scaling(points=points, observed_last_doubling=observed)
    doublings = [log2(n) for n, _ in points]
    percents = [100 * accuracy for _, accuracy in points]
    slope, intercept = linear_regression(doublings, percents)
    power = _power_law(points)
    after = 2 * points[-1][0]
    expected = (intercept + slope * log2(after)) / 100
    return Scaling(
        points=points,
        points_per_doubling=slope,
        r_squared=_r_squared(doublings, percents),
        power_alpha=None if power is None else -power[0],
        observed_last_doubling=observed,
        forecast=Forecast(
            samples=after,
            log=expected if 0 <= expected <= 1 else None,
            power=None if power is None else 1 - exp(power[1] + power[0] * log(after)),
        ),
    )


def _power_law(points: tuple[Point, ...]) -> tuple[float, float] | None:
    """Slope and intercept of ln(error) on ln(samples); none where an error is zero."""
    if any(accuracy >= 1 for _, accuracy in points):
        return None
    slope, intercept = linear_regression(
        [log(n) for n, _ in points], [log(1 - accuracy) for _, accuracy in points]
    )
    return slope, intercept


def _r_squared(x: list[float], y: list[float]) -> float | None:
    try:
        return correlation(x, y) ** 2
    except StatisticsError:  # y is constant
        return None


def _last_doubling(points: tuple[Point, ...]) -> float | None:
    """Gain a doubling from the largest point that is at most half of the last to the last."""
    if not points:
        return None
    last, reached = points[-1]
    halves = [(n, accuracy) for n, accuracy in points if 2 * n <= last]
    if not halves:
        return None
    n, accuracy = halves[-1]
    return 100 * (reached - accuracy) / log2(last / n)
