"""How far two models that answered the same samples are apart, and how sure that is."""

from dataclasses import dataclass
from math import sqrt

from scipy.special import ndtri

from tuneq_producer.statistics.mcnemar import mcnemar_exact, mcnemar_mid_p

_Z95 = float(ndtri(0.975))
_HALVINGS = 60  # of an interval of length 2: past what a float can tell apart


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedTest:
    """Second less first on the same samples. Field names as in JSON documents."""

    samples: int
    b: int  # samples that only the first got right
    c: int  # samples that only the second got right
    difference: float  # percentage points
    difference_interval: tuple[float, float]  # 95 %, percentage points
    p_value: float  # McNemar, exact, two-sided
    mid_p_value: float


def paired_test(b: int, c: int, samples: int) -> PairedTest:
    """The test of what only one of two models got right.

    Raises:
        ValueError: the counts are not of so many samples.
    """
    low, high = difference_interval(b, c, samples)
    return PairedTest(
        samples=samples,
        b=b,
        c=c,
        difference=100 * (c - b) / samples,
        difference_interval=(100 * low, 100 * high),
        p_value=mcnemar_exact(b, c),
        mid_p_value=mcnemar_mid_p(b, c),
    )


def difference_interval(b: int, c: int, samples: int) -> tuple[float, float]:
    """The 95 % score interval of (c - b) / samples, as fractions (Tango 1998).

    Statistics in Medicine 17:891-908. It leaves out 0 where McNemar's asymptotic test finds a
    difference at 5 %, and is sound for few samples and at the ends.

    Raises:
        ValueError: the counts are not of so many samples.
    """
    if b < 0 or c < 0 or samples < max(1, b + c):
        raise ValueError(f"{b} and {c} are no counts of {samples} samples")
    return _lower(b, c, samples), -_lower(c, b, samples)


def _lower(b: int, c: int, samples: int) -> float:
    """The difference below the observed one whose score is the quantile."""
    low, high = -1.0, (c - b) / samples
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if c - b - samples * middle > _Z95 * _deviation(middle, b, c, samples):
            low = middle
        else:
            high = middle
    return high


def _deviation(difference: float, b: int, c: int, samples: int) -> float:
    """Of c - b, if that is the true difference; only-first has its likeliest share then."""
    spread = difference * (1 - difference)
    linear = (2 * samples - c + b) * difference - b - c
    root = sqrt(max(0.0, linear * linear + 8 * samples * b * spread))
    only_first = (root - linear) / (4 * samples)
    return sqrt(max(0.0, samples * (2 * only_first + spread)))
