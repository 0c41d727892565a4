"""What the doctor finds."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How bad it is. A warning is for a person to judge; a failure keeps runs from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    status: Status
    message: str
    hint: str = ""

    def to_json(self) -> dict[str, Any]:
        """As `tuneq doctor --json` prints it."""
        return asdict(self)


def ok(check: str, message: str) -> Finding:
    """All is well."""
    return Finding(check, Status.OK, message)


def warn(check: str, message: str, hint: str) -> Finding:
    """A person should know."""
    return Finding(check, Status.WARN, message, hint)


def fail(check: str, message: str, hint: str) -> Finding:
    """It does not work."""
    return Finding(check, Status.FAIL, message, hint)
