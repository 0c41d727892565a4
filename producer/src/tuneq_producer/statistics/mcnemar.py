"""Whether two models that answered the same samples differ."""


def mcnemar_exact(b: int, c: int) -> float:
    """The two-sided exact p-value of McNemar's test (1947).

    Under no difference, `b` is binomial of b + c tosses of a fair coin. Counted in integers, so
    that nothing is lost however small the value is; it is at most 1.

    Args:
        b: samples that the first answered correctly and the second did not.
        c: samples that the second answered correctly and the first did not.

    Raises:
        ValueError: a count is negative.
    """
    if b < 0 or c < 0:
        raise ValueError(f"counts are not negative: {b}, {c}")
    tosses, fewer = b + c, min(b, c)
    if b == c:
        return 1.0
    term = tail = 1
    for k in range(1, fewer + 1):
        term = term * (tosses - k + 1) // k
        tail += term
    return min(1.0, 2 * tail / (1 << tosses))
