"""Whether two models that answered the same samples differ."""

from scipy.special import betainc


def mcnemar_exact(b: int, c: int) -> float:
    """The two-sided exact p-value of McNemar's test (1947), at most 1.

    Under no difference, `b` is binomial of b + c tosses of a fair coin.

    Args:
        b: samples that the first answered correctly and the second did not.
        c: samples that the second answered correctly and the first did not.

    Raises:
        ValueError: a count is negative.
    """
    _require_counts(b, c)
    return 1.0 if b == c else min(1.0, 2 * _at_most(min(b, c), b + c))


def mcnemar_mid_p(b: int, c: int) -> float:
    """The mid-p value of the same test, which is less conservative than the exact one.

    What was observed counts half (Fagerland, Lydersen and Laake 2013, BMC Medical Research
    Methodology 13:91). Without any sample that tells the two apart it is 1.

    Raises:
        ValueError: a count is negative.
    """
    _require_counts(b, c)
    tosses, fewer = b + c, min(b, c)
    if not tosses:
        return 1.0
    less = _at_most(fewer - 1, tosses)
    # In the middle both tails share one outcome: 1 - P(X = b) / 2.
    return 0.5 + less if b == c else min(1.0, less + _at_most(fewer, tosses))


def _at_most(heads: int, tosses: int) -> float:
    """P(X <= heads) for a fair coin, as an incomplete beta function (DLMF 8.17.5)."""
    return float(betainc(tosses - heads, heads + 1, 0.5)) if heads >= 0 else 0.0


def _require_counts(b: int, c: int) -> None:
    if b < 0 or c < 0:
        raise ValueError(f"counts are not negative: {b}, {c}")
