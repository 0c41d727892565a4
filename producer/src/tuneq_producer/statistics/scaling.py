"""How accuracy grows with the number of training samples."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log2

from tuneq_producer.statistics.fits import LogFit, PowerFit, Predicted
from tuneq_producer.statistics.line import LEAST_POINTS
from tuneq_producer.statistics.spread import Spread, spread_of

Point = tuple[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What the fits expect of a number of samples, as fractions; none where a fit has no say.

    It holds only while the curve goes on as it did: nothing was measured there. The intervals are
    of a further point, 95 %.
    """

    samples: int
    log: float | None
    power: float | None
    log_interval: tuple[float, float] | None
    power_interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """The curve and what was fitted to it; none where there are too few points."""

    points: tuple[Point, ...]  # samples trained on, mean accuracy as a fraction
    spread: tuple[Spread, ...] = ()  # of the runs behind each point
    points_per_doubling: float | None = None  # percentage points, fitted
    points_per_doubling_interval: tuple[float, float] | None = None  # 95 %
    r_squared: float | None = None  # of that fit; none where accuracy does not vary
    power_alpha: float | None = None  # error falls as samples to the power of minus this
    error_ratio_per_doubling: float | None = None  # what the power law leaves of the error
    observed_last_doubling: float | None = None  # percentage points, not fitted
    forecast: Forecast | None = None  # at twice the largest number of samples


def spread_by_samples(measured: Iterable[Point]) -> tuple[Spread, ...]:
    """The runs trained on each number of samples, from few to many."""
    by_samples: dict[int, list[float]] = {}
    for samples, accuracy in measured:
        by_samples.setdefault(samples, []).append(accuracy)
    return tuple(spread_of(n, by_samples[n]) for n in sorted(by_samples))


def scaling_of(measured: Iterable[Point]) -> Scaling:
    """Fit accuracy on log2 of samples, and ln(error) on ln(samples), by least squares.

    Each number of samples counts once, as the mean of its runs.

    Args:
        measured: samples trained on, at least 1, and accuracy as a fraction.
    """
    spread = spread_by_samples(measured)
    points = tuple((each.samples, each.mean) for each in spread)
    observed = _last_doubling(points)
    if len(points) < LEAST_POINTS:
        return Scaling(points=points, spread=spread, observed_last_doubling=observed)
    log_fit, power_fit = LogFit.of(points), PowerFit.of(points)
    return Scaling(
        points=points,
        spread=spread,
        points_per_doubling=log_fit.points_per_doubling,
        points_per_doubling_interval=log_fit.points_per_doubling_interval,
        r_squared=log_fit.line.r_squared,
        power_alpha=power_fit.alpha if power_fit else None,
        error_ratio_per_doubling=power_fit.ratio_per_doubling if power_fit else None,
        observed_last_doubling=observed,
        forecast=_forecast(2 * points[-1][0], log_fit, power_fit),
    )


def _forecast(samples: int, log_fit: LogFit, power_fit: PowerFit | None) -> Forecast:
    nothing = Predicted(None, None)
    by_log = log_fit.at(samples)
    by_power = power_fit.at(samples) if power_fit else nothing
    return Forecast(
        samples=samples,
        log=by_log.accuracy,
        power=by_power.accuracy,
        log_interval=by_log.interval,
        power_interval=by_power.interval,
    )


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
