"""Looking for what is ours in a listing that runs newest first, and no further than necessary."""

from collections.abc import Callable, Iterable, Sequence

from tuneq_worker.providers.openai.caller import Entry
from tuneq_worker.providers.openai.documents import PURCHASE_KEY

CLOCK_SKEW_S = 3600.0
"""How far the provider's clock may be behind ours."""


def found(
    pages: Iterable[list[Entry]], since: float | None, is_ours: Callable[[Entry], bool]
) -> list[Entry]:
    """Our entries, from a listing read to its end or until it is an hour past `since`."""
    ours: list[Entry] = []
    for entries in pages:
        ours += filter(is_ours, entries)
        if since is not None and _all_before(entries, since - CLOCK_SKEW_S):
            break
    return ours


def purchase_of(entry: Entry) -> object:
    """What its metadata says that it was bought for."""
    metadata = entry.get("metadata")
    return metadata.get(PURCHASE_KEY) if isinstance(metadata, dict) else None


def _all_before(entries: Sequence[Entry], instant: float) -> bool:
    """Whether this page, of a listing that runs newest first, and so all after it, is older."""
    times = [entry.get("created_at") for entry in entries]
    known = [float(time) for time in times if isinstance(time, int | float)]
    return len(known) == len(times) and known[0] >= known[-1] and max(known) < instant
