"""How things go wrong: the kinds of provider errors, and what an item keeps of its last one."""

from dataclasses import dataclass
from enum import StrEnum


class ErrorKind(StrEnum):
    """What an answer of a provider means for us, whatever its status code or wording."""

    RATE = "rate"  # too many requests or tokens a minute
    CAPACITY = "capacity"  # too many active jobs
    DAILY = "daily"  # a limit that resets with the day
    QUOTA = "quota"  # the money is used up
    COLD = "cold"  # a tuned model that is still being loaded
    AUTH = "auth"  # the key is missing, wrong, or may not do this
    UNAVAILABLE = "unavailable"  # the account may not train at all
    BAD_REQUEST = "bad_request"
    MODERATION = "moderation"
    NOT_FOUND = "not_found"
    NOT_READY = "not_ready"  # a file that is still being processed
    SERVER = "server"
    NETWORK = "network"
    MALFORMED = "malformed"  # an answer that cannot be read


STOPS_ACCOUNT = frozenset({ErrorKind.QUOTA, ErrorKind.AUTH, ErrorKind.DAILY, ErrorKind.UNAVAILABLE})
"""Kinds that concern every request of the account alike."""

AMBIGUOUS = frozenset({ErrorKind.SERVER, ErrorKind.NETWORK, ErrorKind.MALFORMED})
"""Kinds after which the request may have been carried out all the same."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item ended badly: a stable code, a sentence, and the stage it happened in."""

    code: str
    message: str
    stage: str = ""
