"""A line of a run's history as the text that Redis keeps."""

import orjson

from tuneq_shared.ports.catalogue import Event


def read_event(text: str) -> Event:
    """Read what the scripts or `event_text` wrote."""
    row = orjson.loads(text)
    return Event(row["at"] / 1000, row["stage"], row["message"])


def event_text(event: Event) -> bytes:
    """As the scripts write it."""
    at = round(event.at * 1000)
    return orjson.dumps({"at": at, "stage": event.stage, "message": event.message})
