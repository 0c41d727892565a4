"""From what the SDK raises to what the port promises, with the key taken out."""

import json
import re
import time
from collections.abc import Mapping
from typing import Any, TypeVar

from openai import APIStatusError, APITimeoutError
from pydantic import BaseModel, ValidationError

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.settings import describe
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.openai.refusals import classify, read_refusal
from tuneq_worker.providers.openai.waits import read_headroom, reset_after, retry_after

TOO_LARGE = "too_large"
"""The code of what no provider takes, whoever says so."""

_MAX_WORDS = 600
_LONGEST_WAIT_S = 86_400.0  # whatever a provider asks for, it is looked at once a day
_CODES = {413: TOO_LARGE}
_SHORTEST_KEY = 12
_KEY_LIKE = re.compile(r"\bsk-[\w*.-]{4,}")

Document = TypeVar("Document", bound=BaseModel)


def read_answer(document: type[Document], raw: bytes | Mapping[str, Any]) -> Document:
    """Read a good answer: its body, or one entry of it.

    Raises:
        ProviderError: it is not JSON, or not of this shape.
    """
    try:
        if isinstance(raw, bytes):
            return document.model_validate_json(raw)
        return document.model_validate(raw)
    except ValidationError as error:
        failure = ProviderError(ErrorKind.MALFORMED, f"unreadable answer: {describe(error)}")
    raise failure


def translate(error: Exception, account: str, key: str) -> ProviderError:
    """The port's error for one that sending a request ended with.

    Raise it outside the `except` block: the SDK's error holds the request with its headers, and
    must not hang on ours as its context.
    """
    if isinstance(error, APIStatusError):
        return refused(error.status_code, error.body, error.response.headers, key)
    words = "did not answer in time"
    if not isinstance(error, APITimeoutError | TimeoutError):
        cause = error.__cause__ or error
        words = f"cannot be reached: {str(cause) or type(cause).__name__}"
    return ProviderError(ErrorKind.NETWORK, redact(f"account {account!r} {words}", key))


def without_key(body: bytes, key: str) -> bytes:
    """A good answer's body, should it quote the key, without it; written plainly or as in JSON.

    A word that protects nothing, such as `EMPTY`, is left: answers may hold it by chance.
    """
    if len(key) < _SHORTEST_KEY:
        return body
    quoted = json.dumps(key)[1:-1]
    for written in {key, quoted, quoted.replace("/", "\\/")}:
        body = body.replace(written.encode(), b"***")
    return body


def redact(text: str, key: str) -> str:
    """The text, shortened, without the key and without anything that looks like one."""
    hidden = text.replace(key, "***") if key else text
    return _KEY_LIKE.sub("sk-***", hidden)[:_MAX_WORDS]


def refused(status: int, document: object, headers: Mapping[str, str], key: str) -> ProviderError:
    """The port's error for an answer with a status above 299: its document, or its bare text."""
    refusal = read_refusal(status, document)
    kind = classify(refusal)
    wait = retry_after(headers, time.time())
    if wait is None and kind is ErrorKind.RATE:
        wait = reset_after(headers, refusal.type)
    words = refusal.message or f"answered with status {refusal.status}"
    return ProviderError(
        kind,
        redact(words, key),
        code=redact(refusal.code, key) or _CODES.get(refusal.status),
        retry_after_s=None if wait is None else min(wait, _LONGEST_WAIT_S),
        headroom=read_headroom(headers),
    )
