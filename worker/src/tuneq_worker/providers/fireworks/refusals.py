"""What a refusal means: in Google's shape for the account's things, in OpenAI's for chat."""

import re
from collections.abc import Mapping
from http import HTTPStatus

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.openai import errors

_ABOUT_MONEY = re.compile(r"suspended|billing|payment|spending limit|out of credits", re.IGNORECASE)
_NO_TRAINING = re.compile(r"(fine-?tuning|training) is not (available|enabled)", re.IGNORECASE)

_NAMES = {
    "3": "INVALID_ARGUMENT",
    "5": "NOT_FOUND",
    "6": "ALREADY_EXISTS",
    "7": "PERMISSION_DENIED",
    "8": "RESOURCE_EXHAUSTED",
    "9": "FAILED_PRECONDITION",
    "16": "UNAUTHENTICATED",
}
"""Of the numbers that stand for codes: google/rpc/code.proto."""


def refused(status: int, document: object, headers: Mapping[str, str], key: str) -> ProviderError:
    """The port's error for an answer with a status above 299: its document, or its bare text."""
    failure = errors.refused(status, document, headers, key)
    failure.code = _NAMES.get(failure.code, failure.code)
    if status == HTTPStatus.FORBIDDEN and _NO_TRAINING.search(failure.message):
        failure.kind = ErrorKind.UNAVAILABLE
    return told_apart(failure)


def told_apart(failure: ProviderError) -> ProviderError:
    """A bad request, unless it is the account that is in a bad way: Fireworks says so with 412."""
    if failure.kind is ErrorKind.BAD_REQUEST and _ABOUT_MONEY.search(failure.message):
        failure.kind = ErrorKind.QUOTA
    return failure
