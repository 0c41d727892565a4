"""Accuracy against the number of training samples, and what was fitted to it."""

from collections.abc import Iterable, Sequence

from tuneq_producer.report.curves import Curve
from tuneq_producer.statistics.scaling import Forecast
from tuneq_producer.statistics.spread import Spread
from tuneq_producer.tables.table import Column, Table, high, low, table_of
from tuneq_producer.views.documents import to_json

_Point = tuple[int, Spread]
_Fit = tuple[int, Curve]
_NO_FORECAST = Forecast(samples=0, log=None, power=None, log_interval=None, power_interval=None)


def curves_table(curves: Sequence[Curve]) -> Table:
    """A row for each number of samples of each curve; curves are numbered from 0."""
    points = ((n, each) for n, curve in enumerate(curves) for each in curve.scaling.spread)
    return table_of("curves", _POINTS, points)


def fits_table(curves: Iterable[Curve]) -> Table:
    """A row for each curve."""
    return table_of("fits", _FITS, enumerate(curves))


def _slope(fit: _Fit) -> tuple[float, float] | None:
    return fit[1].scaling.points_per_doubling_interval


def _forecast(fit: _Fit) -> Forecast:
    return fit[1].scaling.forecast or _NO_FORECAST


_POINTS: tuple[Column[_Point], ...] = (
    Column("curve", int, lambda point: point[0]),
    Column("samples", int, lambda point: point[1].samples),
    Column("runs", int, lambda point: point[1].runs),
    Column("accuracy", float, lambda point: point[1].mean),
    Column("deviation", float, lambda point: point[1].deviation),
    Column("interval_low", float, lambda point: low(point[1].interval)),
    Column("interval_high", float, lambda point: high(point[1].interval)),
)

_FITS: tuple[Column[_Fit], ...] = (
    Column("curve", int, lambda fit: fit[0]),
    Column("model", str, lambda fit: fit[1].model),
    Column("method", str, lambda fit: to_json(fit[1].method).decode()),
    Column("dataset_sha256", str, lambda fit: fit[1].dataset_digest),
    Column("points_per_doubling", float, lambda fit: fit[1].scaling.points_per_doubling),
    Column("points_per_doubling_low", float, lambda fit: low(_slope(fit))),
    Column("points_per_doubling_high", float, lambda fit: high(_slope(fit))),
    Column("r_squared", float, lambda fit: fit[1].scaling.r_squared),
    Column("power_alpha", float, lambda fit: fit[1].scaling.power_alpha),
    Column("observed_last_doubling", float, lambda fit: fit[1].scaling.observed_last_doubling),
    Column("forecast_samples", int, lambda fit: _forecast(fit).samples or None),
    Column("forecast_log", float, lambda fit: _forecast(fit).log),
    Column("forecast_log_low", float, lambda fit: low(_forecast(fit).log_interval)),
    Column("forecast_log_high", float, lambda fit: high(_forecast(fit).log_interval)),
    Column("forecast_power", float, lambda fit: _forecast(fit).power),
    Column("forecast_power_low", float, lambda fit: low(_forecast(fit).power_interval)),
    Column("forecast_power_high", float, lambda fit: high(_forecast(fit).power_interval)),
)
