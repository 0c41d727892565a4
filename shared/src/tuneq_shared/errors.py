"""Every error that tuneq raises on purpose.

TuneqError                  what happened, and a hint of what to do
├── InvalidInputError       wrong usage or data; nothing was changed (exit code 2)
│   ├── ConfigurationError  the configuration is wrong or incomplete
│   └── ConflictError       the same key or name with another content
├── RedisUnreachableError   Redis does not answer (exit code 3)
├── TimeoutPassedError      a --timeout passed (exit code 124)
├── NotFoundError           no such run, group, evaluation or dataset (exit code 2)
├── DataRootError           the data root cannot be read or written, or is another one (exit code 2)
├── UnreadableError         a record or a file that is damaged, or of a newer tuneq
├── StaleClaimError         the lease was lost; somebody else may hold the item
└── IllegalTransitionError  a stage that may not follow the present one
"""

from typing import ClassVar


class TuneqError(Exception):
    """Base of all errors: a message that says what happened, and a hint of what to do."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInputError(TuneqError):
    """Wrong usage or wrong data; nothing was changed."""

    code = "invalid_input"
    exit_code = 2


class ConfigurationError(InvalidInputError):
    """The configuration is wrong or incomplete."""

    code = "configuration"


class ConflictError(InvalidInputError):
    """The same idempotency key or name was used with another content."""

    code = "conflict"


class RedisUnreachableError(TuneqError):
    """Redis does not answer at the configured URL."""

    code = "redis_unreachable"
    exit_code = 3


class TimeoutPassedError(TuneqError):
    """What was waited for did not come within the timeout."""

    code = "timeout"
    exit_code = 124


class NotFoundError(TuneqError):
    """No run, group, evaluation or dataset goes by that name."""

    code = "not_found"
    exit_code = 2


class DataRootError(TuneqError):
    """The data root cannot be read or written, or is not the one that Redis knows."""

    code = "data_root"
    exit_code = 2


class UnreadableError(TuneqError):
    """What is kept of an item cannot be read here: it is damaged, or of a newer tuneq."""

    code = "unreadable"


class StaleClaimError(TuneqError):
    """The lease on an item was lost: a write was refused, or nothing sent, and nothing changed."""

    code = "stale_claim"


class IllegalTransitionError(TuneqError):
    """A stage that may not follow the present one: the write was refused."""

    code = "illegal_transition"
