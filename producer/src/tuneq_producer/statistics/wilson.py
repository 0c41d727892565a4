"""How sure a proportion is."""

from math import sqrt
from statistics import NormalDist

_Z95 = NormalDist().inv_cdf(0.975)


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (Wilson 1927), as fractions.

    Raises:
        ValueError: there are no trials, or more successes than trials.
    """
    if not 0 <= successes <= trials or not trials:
        raise ValueError(f"{successes} successes of {trials} trials are no proportion")
    p, z2 = successes / trials, _Z95 * _Z95
    centre = p + z2 / (2 * trials)
    margin = _Z95 * sqrt(p * (1 - p) / trials + z2 / (4 * trials * trials))
    scale = 1 + z2 / trials
    # At the ends the bound is exact; rounding must not push it out of what is possible.
    low = 0.0 if successes == 0 else max(0.0, (centre - margin) / scale)
    high = 1.0 if successes == trials else min(1.0, (centre + margin) / scale)
    return low, high
