"""How far runs that differ only in their seeds lie apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from scipy.special import stdtrit


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Runs on one number of samples; fractions. Of a single run nothing but its accuracy."""

    samples: int
    runs: int
    mean: float
    deviation: float | None = None  # standard deviation between runs, with n - 1
    interval: tuple[float, float] | None = None  # 95 % of the mean, by Student's t (1908)


def spread_of(samples: int, accuracies: Sequence[float]) -> Spread:
    """The spread of runs that were trained on so many samples.

    Raises:
        StatisticsError: there are no runs.
    """
    runs, mean = len(accuracies), fmean(accuracies)
    if runs == 1:
        return Spread(samples=samples, runs=runs, mean=mean)
    deviation = stdev(accuracies)
    margin = float(stdtrit(runs - 1, 0.975)) * deviation / sqrt(runs)
    return Spread(
        samples=samples,
        runs=runs,
        mean=mean,
        deviation=deviation,
        interval=(max(0.0, mean - margin), min(1.0, mean + margin)),
    )
