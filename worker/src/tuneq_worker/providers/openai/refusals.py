"""What a refused request means: a table from status, code and wording to our kinds."""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass

from tuneq_shared.domain.failure import ErrorKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A status above 299 and the fields of its error document; empty where it says nothing."""

    status: int
    code: str = ""
    type: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A refusal is of this kind if all that is set here holds."""

    kind: ErrorKind
    statuses: Container[int]
    names: str = ""
    """Regular expression that the code or the type matches as a whole."""
    wording: str = ""
    """Regular expression to be found in the message, in any case."""

    def holds(self, refusal: Refusal) -> bool:
        """Whether the refusal is of this kind."""
        if refusal.status not in self.statuses:
            return False
        names = (refusal.code, refusal.type)
        if self.names and not any(re.fullmatch(self.names, name) for name in names):
            return False
        return not self.wording or bool(re.search(self.wording, refusal.message, re.IGNORECASE))


_ANY_4XX = range(400, 500)
_WORDED_4XX = {400, 403, 409, 422}
_QUOTA = (
    r"insufficient_quota|credit_balance_exhausted|organization_usage_limit_exceeded"
    r"|\w+_spend_limit_exceeded"
)
_MODERATION = r"content_filter|content_policy_violation|moderation_blocked"
_MODERATION_WORDS = r"moderation|(content|usage|safety)( management)? polic|safety system"
_ACTIVE_JOBS = (
    r"\b(active|concurrent|running|queued|simultaneous|in[- ]progress) ([\w-]+ )?(jobs|requests)\b"
)
_TOO_LONG = r"\bmax_(new_)?tokens\b|\bcontext length\b"
_NOT_READY = r"not (yet )?ready|still being processed|not (yet )?been processed"
_FILE_GONE = (
    r"^invalid (training|validation)_file\b|\bno such file\b"
    r"|\bfile\b.*(does not exist|not found|been deleted)"
)

RULES = (
    Rule(kind=ErrorKind.COLD, statuses={429}, wording="still being loaded"),
    # Whatever a 5xx says, the work may have been done: nothing else may be read into it.
    Rule(kind=ErrorKind.SERVER, statuses=range(500, 600)),
    Rule(kind=ErrorKind.UNAVAILABLE, statuses=_ANY_4XX, names="training_not_available"),
    Rule(kind=ErrorKind.QUOTA, statuses=_ANY_4XX, names=_QUOTA),
    Rule(kind=ErrorKind.QUOTA, statuses={402}),
    Rule(kind=ErrorKind.DAILY, statuses=_ANY_4XX, names="daily_rate_limit_exceeded"),
    Rule(kind=ErrorKind.DAILY, statuses={429}, wording=r"\bper day\b"),
    Rule(kind=ErrorKind.NOT_FOUND, statuses=_ANY_4XX, names="model_not_found"),
    Rule(kind=ErrorKind.AUTH, statuses={401}),
    Rule(kind=ErrorKind.MODERATION, statuses=_WORDED_4XX, names=_MODERATION),
    Rule(kind=ErrorKind.MODERATION, statuses=_WORDED_4XX, wording=_MODERATION_WORDS),
    Rule(kind=ErrorKind.BAD_REQUEST, statuses={403}, wording=_TOO_LONG),
    Rule(kind=ErrorKind.AUTH, statuses={403}),
    Rule(kind=ErrorKind.CAPACITY, statuses={429}, wording=_ACTIVE_JOBS),
    Rule(kind=ErrorKind.CAPACITY, statuses={400, 409}, wording=rf"(maximum|limit).*{_ACTIVE_JOBS}"),
    # Of Azure's management: other deployments hold what this one would need.
    Rule(kind=ErrorKind.CAPACITY, statuses={400, 409}, names="InsufficientQuota"),
    # No wait makes it smaller.
    Rule(kind=ErrorKind.BAD_REQUEST, statuses={429}, wording="^request too large"),
    Rule(kind=ErrorKind.RATE, statuses={429}),
    Rule(kind=ErrorKind.NOT_FOUND, statuses={404}),
    Rule(kind=ErrorKind.NOT_READY, statuses=_WORDED_4XX, wording=_NOT_READY),
    Rule(kind=ErrorKind.NOT_FOUND, statuses={400, 422}, wording=_FILE_GONE),
    # The request came late, early, or upon another one: what became of it is open.
    Rule(kind=ErrorKind.NETWORK, statuses={408}),
    Rule(kind=ErrorKind.SERVER, statuses={409, 425}),
    Rule(kind=ErrorKind.BAD_REQUEST, statuses=_ANY_4XX),
)
"""The first rule that holds decides."""


def classify(refusal: Refusal) -> ErrorKind:
    """The refusal's kind; what no rule knows, such as a redirect, is an unreadable answer."""
    return next((rule.kind for rule in RULES if rule.holds(refusal)), ErrorKind.MALFORMED)


def read_refusal(status: int, body: object) -> Refusal:
    """Read the error document, with or without its outer `error`; bare text is the message."""
    inner = body.get("error", body) if isinstance(body, Mapping) else body
    if not isinstance(inner, Mapping):
        return Refusal(status=status, message="" if inner is None else str(inner))
    message = inner.get("message") or _detail(inner.get("detail"))
    return Refusal(
        status=status,
        code=_text(inner.get("code")),
        type=_text(inner.get("type")),
        message=_text(message),
    )


def _detail(detail: object) -> object:
    """Of a list, as FastAPI tells what is wrong with a request, the words alone."""
    if not isinstance(detail, list):
        return detail
    return "; ".join(str(each.get("msg")) for each in detail if isinstance(each, Mapping))


def _text(value: object) -> str:
    return "" if value is None else str(value)
