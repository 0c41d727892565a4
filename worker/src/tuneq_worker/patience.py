"""How long a job may go without a look: the longer it has stood, the less a while matters."""

LONGEST = 10
"""Intervals between two looks at most."""
_PARTS = 20  # so a change is noticed late by a twentieth of the time that it took to come


def patience_s(now: float, since: float, finish: float | None, interval_s: float) -> float:
    """Seconds from `now` until a job needs the next look: one to ten intervals.

    It is a twentieth of the time to the nearer of two instants at which changes are likely: when
    the job took its status, and when it should be finished, where the provider says so. So what is
    young or nearly finished is looked at after one interval, and never is the first look after the
    estimated finish more than one interval late.

    Args:
        now: an instant, in seconds as the others.
        since: when its status was seen first.
        finish: when it should be finished, as estimated by the provider.
        interval_s: between two looks at least.
    """
    instants = [since] if finish is None else [since, finish]
    nearest = min(abs(now - instant) for instant in instants)
    return min(max(nearest / _PARTS, interval_s), LONGEST * interval_s)
