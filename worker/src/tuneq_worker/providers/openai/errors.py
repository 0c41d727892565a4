"""From what the SDK raises to what the port promises, with the key taken out."""

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
from tuneq_worker.providers.openai.waits import reset_after, retry_after

_MAX_WORDS = 600
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
        return _refused(error, key)
    words = "did not answer in time"
    if not isinstance(error, APITimeoutError):
        cause = error.__cause__ or error
        words = f"cannot be reached: {str(cause) or type(cause).__name__}"
    return ProviderError(ErrorKind.NETWORK, redact(f"account {account!r} {words}", key))


def redact(text: str, key: str) -> str:
    """The text, shortened, without the key and without anything that looks like one."""
    return _KEY_LIKE.sub("sk-***", text.replace(key, "***"))[:_MAX_WORDS]


def _refused(error: APIStatusError, key: str) -> ProviderError:
    refusal = read_refusal(error.status_code, error.body)
    kind = classify(refusal)
    headers = error.response.headers
    wait = retry_after(headers, time.time())
    if wait is None and kind is ErrorKind.RATE:
        wait = reset_after(headers, refusal.type)
    words = refusal.message or f"answered with status {refusal.status}"
    return ProviderError(
        kind,
        redact(words, key),
        code=redact(refusal.code, key) or None,
        retry_after_s=wait,
    )
