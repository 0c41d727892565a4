"""How often a job is looked at: a pure function, and what it comes to over a job's life."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneq_worker.patience import LONGEST, patience_s

EVERY_S = 30.0
INSTANT = st.floats(0, 1e6)
FINISH = st.none() | INSTANT


@pytest.mark.parametrize(
    ("age", "remaining", "seconds"),
    [
        (0, None, 30),
        (600, None, 30),  # ten minutes long it is young
        (1_200, None, 60),
        (3_600, None, 180),
        (6_000, None, 300),
        (1e6, None, 300),
        (-5, None, 30),  # clocks differ
        (1e6, 1e6, 300),
        (1e6, 2_400, 120),  # nearly finished
        (1e6, 600, 30),
        (1e6, 0, 30),
        (1e6, -600, 30),  # overdue
        (1e6, -2_400, 120),
        (1e6, -1e6, 300),
        (60, 1e6, 30),  # an estimate may be wrong: the young are looked at all the same
    ],
)
def test_it_grows_with_the_time_to_the_nearest_change(
    age: float, remaining: float | None, seconds: float
) -> None:
    now = 2e6
    finish = None if remaining is None else now + remaining
    assert patience_s(now, now - age, finish, EVERY_S) == pytest.approx(seconds)


@given(now=INSTANT, since=INSTANT, finish=FINISH, every=st.floats(0.01, 3_600))
def test_it_is_bounded(now: float, since: float, finish: float | None, every: float) -> None:
    patience = patience_s(now, since, finish, every)
    assert every <= patience <= LONGEST * every
    assert patience <= max(every, abs(now - since) / 20)


@given(now=INSTANT, since=INSTANT, finish=INSTANT, every=st.floats(0.01, 3_600))
def test_an_estimate_brings_looks_forward_and_is_never_overshot(
    now: float, since: float, finish: float, every: float
) -> None:
    patience = patience_s(now, since, finish, every)
    assert patience <= patience_s(now, since, None, every)
    if finish >= now:
        assert now + patience <= finish + every


@given(
    lasts=st.floats(1, 20_000),
    told=st.none() | st.floats(0.5, 2.0),
)
def test_its_end_is_noticed_soon_and_in_few_looks(lasts: float, told: float | None) -> None:
    """Looked at whenever it is time, on a tick of the interval, until the end is seen."""
    finish = None if told is None else told * lasts
    now = again = looked = looks = 0.0
    while looked < lasts:
        now += EVERY_S
        if now >= again:
            looked, again = now, now + patience_s(now, 0.0, finish, EVERY_S)
            looks += 1
    assert looked - lasts <= EVERY_S + min(max(lasts / 20, EVERY_S), LONGEST * EVERY_S)
    assert looks <= lasts / EVERY_S + 1
    if told is None:
        assert looks <= 22 + 60 + lasts / (LONGEST * EVERY_S)
