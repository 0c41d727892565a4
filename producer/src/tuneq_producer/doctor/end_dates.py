"""The last days of accounts and models: those that are near, and those that are over."""

from collections.abc import Iterator
from itertools import groupby

from tuneq_producer.client import Client
from tuneq_producer.doctor.finding import Finding, fail, ok, warn
from tuneq_shared.end_dates import NEAR_DAYS, Ending, calendar_of

_CHECK = "end dates"
_NAMED = 5


def check_end_dates(client: Client) -> Iterator[Finding]:
    """Look at each configured account and its models."""
    calendar, listed = calendar_of(client.settings, client.fleet), client.fleet.models()
    near = 0
    for name in sorted(client.settings.accounts):
        ends = [ending for ending in calendar.all_of(name) if ending.is_near]
        near += len(ends)
        for _, same_day in groupby(ends, key=lambda end: (not end.model, end.last_day)):
            yield _told(list(same_day))
        if name in listed and (trouble := listed[name].trouble):
            hint = "the workers ask again; where the server has no such list, set end_dates"
            yield warn(_CHECK, f"{name}: its models could not be listed: {trouble}", hint)
    if not near:
        yield ok(_CHECK, f"none is known within {NEAR_DAYS} days")


def _told(same_day: list[Ending]) -> Finding:
    first, more = same_day[0], len(same_day) - 1
    words = first.words
    if more:
        others = ", ".join(end.model for end in same_day[1:_NAMED])
        words += f"; likewise {others}" + (f" and {more - _NAMED + 1} more" * (more >= _NAMED))
    return fail(_CHECK, words, first.hint) if first.is_over else warn(_CHECK, words, first.hint)
