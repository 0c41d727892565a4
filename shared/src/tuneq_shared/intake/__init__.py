"""How a request gets in, whichever door it comes through: parsed, resolved, made an item."""

from tuneq_shared.intake.accept import accept, conflict, new_run, resolve
from tuneq_shared.intake.doors import Door, ForeignDoor
from tuneq_shared.intake.parse import parse_request, too_large

__all__ = [
    "Door",
    "ForeignDoor",
    "accept",
    "conflict",
    "new_run",
    "parse_request",
    "resolve",
    "too_large",
]
