"""The formulas against numbers of statsmodels and scipy, and what must hold for all numbers."""

from math import comb, isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneq_producer.statistics.mcnemar import mcnemar_exact
from tuneq_producer.statistics.scaling import Scaling, mean_by_samples, scaling_of
from tuneq_producer.statistics.wilson import wilson_interval

PUBLISHED = ((50, 77.18), (100, 78.23), (500, 81.1), (1000, 81.96), (2500, 84.44), (5000, 84.58))


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (8, 10, 0.49016247153664183, 0.9433178485456247),
        (1813, 2144, 0.829704619909521, 0.8602904418366637),
        (0, 20, 0.0, 0.1611251580528194),
        (1565, 2144, 0.7107515934971638, 0.7483139469088673),
    ],
)
def test_wilson(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(successes, trials) == pytest.approx((low, high), rel=1e-12)


@settings(deadline=None)
@given(trials=st.integers(1, 10**6), share=st.floats(0, 1))
def test_wilson_holds_the_proportion_and_mirrors(trials: int, share: float) -> None:
    successes = round(share * trials)
    low, high = wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1
    mirrored = wilson_interval(trials - successes, trials)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 2)])
def test_wilson_refuses_what_is_no_proportion(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="no proportion"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize(
    ("b", "c", "p_value"),
    [
        (5, 15, 0.04138946533203125),
        (120, 369, 1.6835722004154126e-30),
        (10, 10, 1.0),
        (0, 6, 0.03125),
        (0, 0, 1.0),
    ],
)
def test_mcnemar(b: int, c: int, p_value: float) -> None:
    assert mcnemar_exact(b, c) == pytest.approx(p_value, rel=1e-12)


@settings(deadline=None)
@given(b=st.integers(0, 300), c=st.integers(0, 300))
def test_mcnemar_is_the_binomial_tail(b: int, c: int) -> None:
    tail = sum(comb(b + c, k) for k in range(min(b, c) + 1))
    assert isclose(mcnemar_exact(b, c), min(1.0, 2 * tail / 2 ** (b + c)), rel_tol=1e-12)
    assert mcnemar_exact(b, c) == mcnemar_exact(c, b)


def test_mcnemar_of_many_samples_is_quick_and_no_error() -> None:
    assert mcnemar_exact(0, 5000) == 0.0
    assert 0 < mcnemar_exact(4900, 5100) < 1


def test_mcnemar_refuses_negative_counts() -> None:
    with pytest.raises(ValueError, match="not negative"):
        mcnemar_exact(-1, 3)


def fitted(*points: tuple[int, float]) -> Scaling:
    return scaling_of((n, percent / 100) for n, percent in points)


def test_scaling_of_the_published_table() -> None:
    scaling = fitted(*PUBLISHED)
    assert scaling.points_per_doubling == pytest.approx(1.1789046552896605)
    assert scaling.r_squared == pytest.approx(0.9861213427471859)
    assert scaling.power_alpha == pytest.approx(0.090336695337256)
    assert scaling.observed_last_doubling == pytest.approx(0.14)
    assert scaling.forecast is not None
    assert scaling.forecast.samples == 10_000
    assert scaling.forecast.log == pytest.approx(0.8614699037500822)
    assert scaling.forecast.power == pytest.approx(0.857057078421744)


def test_scaling_of_an_exact_logarithm() -> None:
    scaling = fitted((100, 60), (200, 65), (400, 70), (800, 75))
    assert scaling.points_per_doubling == pytest.approx(5)
    assert scaling.r_squared == pytest.approx(1)
    assert scaling.power_alpha == pytest.approx(0.22566081366743718)
    assert scaling.observed_last_doubling == pytest.approx(5)
    assert scaling.forecast is not None
    assert scaling.forecast.log == pytest.approx(0.8)


def test_scaling_of_an_exact_power_law() -> None:
    measured = ((100, 60), (200, 71.7157287525381), (400, 80), (800, 85.85786437626905))
    scaling = fitted(*measured)
    assert scaling.points_per_doubling == pytest.approx(8.585786437626908)
    assert scaling.r_squared == pytest.approx(0.9771236166328253)
    assert scaling.power_alpha == pytest.approx(0.5)
    assert scaling.forecast is not None
    assert scaling.forecast.power == pytest.approx(0.9)


def test_a_log_forecast_past_everything_is_refused() -> None:
    forecast = fitted((100, 70), (200, 82), (400, 95)).forecast
    assert forecast is not None
    assert forecast.log is None
    assert forecast.power is not None


@pytest.mark.parametrize("points", [(), ((50, 70),), ((50, 70), (50, 72), (100, 75))])
def test_two_numbers_of_samples_are_not_fitted(points: tuple[tuple[int, float], ...]) -> None:
    scaling = fitted(*points)
    assert scaling.points_per_doubling is None
    assert scaling.power_alpha is None
    assert scaling.forecast is None


def test_what_does_not_vary_has_no_r_squared() -> None:
    scaling = fitted((50, 70), (100, 70), (200, 70))
    assert scaling.points_per_doubling == 0
    assert scaling.r_squared is None


def test_no_error_has_no_power_law() -> None:
    assert fitted((50, 70), (100, 90), (200, 100)).power_alpha is None


@pytest.mark.parametrize(
    ("points", "gain"),
    [
        (((100, 70), (200, 74)), 4.0),
        (((100, 70), (400, 74)), 2.0),  # two doublings
        (((100, 70), (250, 73), (400, 74)), 2.0),  # 250 is more than half of 400
        (((300, 70), (400, 74)), None),
    ],
)
def test_the_last_doubling_is_observed(
    points: tuple[tuple[int, float], ...], gain: float | None
) -> None:
    observed = fitted(*points).observed_last_doubling
    assert observed is None if gain is None else observed == pytest.approx(gain)


def test_runs_of_one_size_are_averaged() -> None:
    assert mean_by_samples([(100, 0.8), (50, 0.5), (100, 0.6)]) == ((50, 0.5), (100, 0.7))


@settings(deadline=None)
@given(
    st.dictionaries(st.integers(1, 10**6), st.floats(0.01, 0.99), min_size=3, max_size=8),
)
def test_scaling_does_not_depend_on_the_order(by_samples: dict[int, float]) -> None:
    points = list(by_samples.items())
    assert scaling_of(points) == scaling_of(reversed(points))
    assert scaling_of(points).points == tuple(sorted(points))
