"""Accounts in the terminal: all of them in a table, or one on a page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from tuneq_producer.views.account_view import AccountView
from tuneq_producer.views.console import plain_table
from tuneq_producer.views.words import NOTHING
from tuneq_shared.end_dates import NEAR_DAYS


def account_table(views: Iterable[AccountView]) -> Table:
    """One row an account."""
    table = plain_table()
    for name in ("account", "dialect", "base URL", "new jobs until", "models", "health"):
        table.add_column(name, overflow="fold")
    for view in views:
        table.add_row(
            view.account,
            view.dialect,
            view.base_url,
            _words(view.capabilities["end_date"]),
            _words(view.models.count or None),
            _health(view),
            style=_style(view),
        )
    return table


def print_account(console: Console, view: AccountView) -> None:
    """Print what is known of an account; what is not known is left out."""
    console.print(view.account, style="bold")
    console.print(_facts(dict(_known(view))))
    limits, prices = view.limits, view.prices
    for title, rows in (
        ("Capabilities", _facts(view.capabilities)),
        ("Limits as configured", _facts(limits.configured)),
        ("Active jobs", _rows(map(_fields, limits.active_jobs))),
        ("Chat requests and tokens a minute, as learnt", _rows(map(_fields, limits.rates))),
        (
            "Prices in USD, of a million tokens or of an hour",
            _rows({"model": model, **price} for model, price in prices.items()),
        ),
        ("Models with a last day", _rows(map(_fields, view.models.ends))),
    ):
        if rows.row_count:
            console.print()
            console.print(title, style="bold")
            console.print(rows)


def _known(view: AccountView) -> Iterator[tuple[str, Any]]:
    yield "dialect", view.dialect
    yield "base URL", view.base_url
    yield "default", view.default
    yield "health", _health(view)
    yield "usable by", view.health.usable_by
    for worker, why in view.health.not_usable_by.items():
        yield f"not by {worker}", why
    yield "models", view.models.count or None
    yield "models seen", view.models.seen_at and f"{view.models.seen_at:%Y-%m-%d %H:%M:%S} UTC"
    yield "models not seen", view.models.trouble or None


def _health(view: AccountView) -> str:
    return view.health.reason or "good"


def _style(view: AccountView) -> str:
    if not view.health.ok:
        return "red"
    return "yellow" if view.days_left is not None and view.days_left <= NEAR_DAYS else ""


def _fields(row: Any) -> dict[str, Any]:
    return {name.replace("_", " "): getattr(row, name) for name in type(row).__slots__}


def _facts(values: Mapping[str, Any]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in values.items():
        if value is not None:
            grid.add_row(name, _words(value))
    return grid


def _rows(rows: Iterable[Mapping[str, Any]]) -> Table:
    table = plain_table()
    for row in rows:
        if not table.columns:
            for name in row:
                table.add_column(name, overflow="fold")
        table.add_row(*map(_words, row.values()))
    return table


def _words(value: Any) -> str:
    match value:
        case None:
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case Sequence() if not isinstance(value, str):
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)
