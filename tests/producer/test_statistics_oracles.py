"""The formulas against numbers of statsmodels and scipy, and what must hold for all numbers."""

import json
from math import comb, isclose, log, sqrt
from pathlib import Path
from statistics import NormalDist, linear_regression
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneq_producer.statistics.fits import LogFit, PowerFit
from tuneq_producer.statistics.line import line_through
from tuneq_producer.statistics.mcnemar import mcnemar_exact, mcnemar_mid_p
from tuneq_producer.statistics.paired import difference_interval, paired_test
from tuneq_producer.statistics.scaling import Scaling, scaling_of
from tuneq_producer.statistics.spread import spread_of
from tuneq_producer.statistics.wilson import wilson_interval

PUBLISHED = ((50, 77.18), (100, 78.23), (500, 81.1), (1000, 81.96), (2500, 84.44), (5000, 84.58))


@pytest.fixture(scope="module")
def oracles(reference_data: Path) -> dict[str, Any]:
    file = reference_data.parent / "reference" / "evaluation-oracles.json"
    values: dict[str, Any] = json.loads(file.read_text())
    return values


def test_every_wilson_oracle(oracles: dict[str, Any]) -> None:
    for case in oracles["wilson95"]:
        found = wilson_interval(case["k"], case["n"])
        assert found == pytest.approx((case["lo"], case["hi"]), rel=1e-12), case


def test_every_mcnemar_oracle(oracles: dict[str, Any]) -> None:
    for case in oracles["mcnemar"]:
        b, c = case["b"], case["c"]
        assert mcnemar_exact(b, c) == pytest.approx(case["exact_p"], rel=1e-12), case
        # The interval of the difference leaves out 0 where the asymptotic test says so.
        for samples in (b + c, 10 * (b + c)):
            low, high = difference_interval(b, c, samples)
            assert (low > 0 or high < 0) == (case["p"] < 0.05), case
        assert case["exact_p"] / 2 <= mcnemar_mid_p(b, c) <= case["exact_p"]


def test_every_scaling_oracle(oracles: dict[str, Any]) -> None:
    for name, case in oracles["scaling"].items():
        points = [(int(n), accuracy / 100) for n, accuracy in case["points"]]
        scaling, log_fit, power = scaling_of(points), LogFit.of(points), PowerFit.of(points)
        assert power is not None
        found = {
            "log2_intercept": 100 * log_fit.line.intercept,
            "gain_per_doubling_pts": scaling.points_per_doubling,
            "r2": scaling.r_squared,
            "loglog_error_alpha": scaling.power_alpha,
            "loglog_C": 100 * power.scale,
            "error_ratio_per_doubling": scaling.error_ratio_per_doubling,
            "last_doubling_observed": scaling.observed_last_doubling,
            "pred_at_10000_power": 100 * (power.at(10_000).accuracy or 0),
        }
        assert found == pytest.approx({key: case[key] for key in found}), name
        by_log, expected = log_fit.at(10_000).accuracy, case["pred_at_10000_log2"]
        if expected > 100:  # no share of anything
            assert by_log is None
        else:
            assert by_log == pytest.approx(expected / 100), name


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


@pytest.mark.parametrize(
    ("counts", "p_values", "interval"),
    [
        # Bentur 2009 and Cavo 2012, as in Fagerland, Lydersen and Laake, Statistical Analysis of
        # Contingency Tables (2017), chapter 8, to the digits that they give.
        ((7, 1, 21), (0.0703, 0.0391), (-51.7, -2.6)),
        ((16, 6, 161), (0.052479, 0.034690), (-12.40, -0.54)),
    ],
)
def test_paired_tests_of_the_literature(
    counts: tuple[int, int, int], p_values: tuple[float, float], interval: tuple[float, float]
) -> None:
    test = paired_test(*counts)
    assert (test.p_value, test.mid_p_value) == pytest.approx(p_values, abs=6e-5)
    assert test.difference_interval == pytest.approx(interval, abs=0.06)
    assert test.difference == pytest.approx(100 * (counts[1] - counts[0]) / counts[2])


@pytest.mark.parametrize(("b", "c", "mid_p"), [(0, 0, 1.0), (1, 1, 0.75), (10, 10, 0.91190147)])
def test_the_mid_p_of_a_tie(b: int, c: int, mid_p: float) -> None:
    assert mcnemar_mid_p(b, c) == pytest.approx(mid_p)


@given(b=st.integers(0, 300), c=st.integers(0, 300))
def test_mid_p_is_the_exact_one_less_half_of_what_was_observed(b: int, c: int) -> None:
    observed = comb(b + c, b) / 2 ** (b + c)
    expected = 1 - observed / 2 if b == c else mcnemar_exact(b, c) - observed
    assert mcnemar_mid_p(b, c) == pytest.approx(expected if b + c else 1.0, rel=1e-9, abs=1e-300)


@settings(max_examples=15)
@given(b=st.integers(0, 400), c=st.integers(0, 400), same=st.integers(1, 400))
def test_the_interval_of_a_difference_is_where_the_score_is_the_quantile(
    b: int, c: int, same: int
) -> None:
    samples = b + c + same
    low, high = difference_interval(b, c, samples)
    assert -1 <= low <= (c - b) / samples <= high <= 1
    assert difference_interval(c, b, samples) == (-high, -low)
    for end in (low, high):
        # The likeliest shares given that difference, found by trying them: Tango's restricted ones.
        shares = ((max(0.0, -end) + k * (1 - abs(end)) / 2 / 4000) for k in range(4001))
        only = max(shares, key=lambda share: _likelihood(share, share + end, b, c, samples))
        score = (c - b - samples * end) ** 2
        variance = samples * (2 * only + end - end * end)
        z2 = NormalDist().inv_cdf(0.975) ** 2
        assert score == pytest.approx(z2 * variance, rel=0.02, abs=0.02)


def _likelihood(only_first: float, only_second: float, b: int, c: int, samples: int) -> float:
    cells = ((only_first, b), (only_second, c), (1 - only_first - only_second, samples - b - c))
    if any(share < -1e-12 or (share <= 0 and count) for share, count in cells):
        return float("-inf")
    return sum(count * log(share) for share, count in cells if count)


def test_models_that_agree_on_everything_are_not_known_to_be_equal() -> None:
    z2 = NormalDist().inv_cdf(0.975) ** 2
    assert difference_interval(0, 0, 20) == pytest.approx((-z2 / (20 + z2), z2 / (20 + z2)))
    assert difference_interval(0, 20, 20)[1] == 1.0


@pytest.mark.parametrize(("b", "c", "samples"), [(0, 0, 0), (-1, 2, 9), (5, 6, 10)])
def test_what_are_no_counts_is_refused(b: int, c: int, samples: int) -> None:
    with pytest.raises(ValueError, match="no counts"):
        paired_test(b, c, samples)


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


def test_runs_of_one_size_are_averaged_and_their_spread_is_told() -> None:
    scaling = scaling_of([(100, 0.8), (50, 0.5), (100, 0.6)])
    assert scaling.points == ((50, 0.5), (100, 0.7))
    single, both = scaling.spread
    assert (single.samples, single.runs, single.deviation, single.interval) == (50, 1, None, None)
    assert (both.samples, both.runs, both.mean) == (100, 2, 0.7)
    assert both.deviation == pytest.approx(sqrt(0.02))


def test_the_interval_of_a_mean_is_students() -> None:
    # t of 4 degrees of freedom at 97.5 % is 2.776445.
    spread = spread_of(50, [0.70, 0.72, 0.74, 0.76, 0.78])
    assert spread.deviation == pytest.approx(0.0316227766)
    assert spread.interval == pytest.approx((0.74 - 0.0392649, 0.74 + 0.0392649))
    assert spread_of(50, [0.1, 0.9]).interval == (0.0, 1.0)


def test_how_sure_a_line_is() -> None:
    # Slope 0.6, intercept 2.2, s^2 = 2.4 / 3; t of 3 degrees of freedom is 3.182446.
    line = line_through([1, 2, 3, 4, 5], [2, 4, 5, 4, 5])
    assert (line.slope, line.intercept) == pytest.approx(
        linear_regression([1, 2, 3, 4, 5], [2, 4, 5, 4, 5])
    )
    margin = 3.182446 * sqrt(0.8 / 10)
    assert line.slope_interval == pytest.approx((0.6 - margin, 0.6 + margin))
    margin = 3.182446 * sqrt(0.8 * (1 + 1 / 5 + 9 / 10))
    assert line.interval_at(6) == pytest.approx((5.8 - margin, 5.8 + margin))
    with pytest.raises(ValueError, match="2 points"):
        line_through([1, 2], [3, 4])


def test_forecasts_have_intervals_that_hold_them_and_stay_possible() -> None:
    forecast = fitted(*PUBLISHED).forecast
    assert forecast is not None
    for value, interval in (
        (forecast.log, forecast.log_interval),
        (forecast.power, forecast.power_interval),
    ):
        assert value is not None
        assert interval is not None
        assert 0 < interval[0] < value < interval[1] < 1
    scattered = fitted((100, 40), (200, 90), (400, 60)).forecast
    assert scattered is not None
    for interval in (scattered.log_interval, scattered.power_interval):
        assert interval == pytest.approx((0.0, 1.0), abs=1e-9)


@settings(deadline=None)
@given(
    st.dictionaries(st.integers(1, 10**6), st.floats(0.01, 0.99), min_size=3, max_size=8),
)
def test_scaling_does_not_depend_on_the_order(by_samples: dict[int, float]) -> None:
    points = list(by_samples.items())
    assert scaling_of(points) == scaling_of(reversed(points))
    assert scaling_of(points).points == tuple(sorted(points))
