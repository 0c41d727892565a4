"""Servers that speak a dialect, each with what the provider contract needs to put to the test.

A new dialect joins the contract by a bench of its own, a module `bench_<dialect>` with a `BENCH`.
"""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from pydantic import SecretStr
from tests.sandbox.provider_server import KEY, ProviderServer

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.dialects import Dialect
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.settings import Account
from tuneq_worker.ports.provider import Provider
from tuneq_worker.providers.registry import build_provider

Call = Literal[
    "create_job",
    "create_batch",
    "cancel_batch",
    "upload",
    "upload_begun",
    "upload_part",
    "upload_completed",
    "job",
    "chat",
    "deploy",
]
Breakage = Literal["drop", "lost_answer", "error_after", "malformed"]
"""drop: nothing done, no answer. lost_answer: done, no answer. error_after: done, then a 500.
malformed: nothing done, an answer that cannot be read."""

WRONG_KEY = "sk-wrong-0123456789"
DEADLINE_S = 30.0


class Bench(Protocol):
    """A running server of one dialect that goes wrong on order."""

    base_model: str
    keeps_labels: bool  # of jobs, beside what tells their purchase
    tells_story: bool  # of jobs: their events and checkpoints

    @property
    def capabilities(self) -> Capabilities:
        """What the account can do."""
        ...

    def provider(self, key: str | None = None, *, part_bytes: int | None = None) -> Provider:
        """The adapter, with the right key unless another is given.

        With `part_bytes`, a larger file is sent in parts of that size.
        """
        ...

    def refuse(self, call: Call, kind: ErrorKind) -> None:
        """The next such call is refused in the provider's words for that kind.

        Of `rate`, the refusal asks to wait 1.5 s.
        """
        ...

    def break_down(self, call: Call, breakage: Breakage) -> None:
        """The next such call goes wrong underway."""
        ...

    def break_nth(self, spared: int, breakage: Breakage) -> None:
        """After so many more calls of any kind, one goes wrong underway."""
        ...

    def unbroken(self) -> bool:
        """Whether it has not come to that yet."""
        ...

    def ignore(self, *, filters: bool = False, cursors: bool = False) -> None:
        """Listings no longer heed their filter, or their place."""
        ...

    def behave(self) -> None:
        """Nothing goes wrong any more."""
        ...

    def calls(self, call: Call) -> int:
        """How many such calls have come in so far, those included that went wrong."""
        ...


ROUTES: dict[Call, tuple[str, str]] = {
    "create_job": ("POST", "/v1/fine_tuning/jobs"),
    "create_batch": ("POST", "/v1/batches"),
    "cancel_batch": ("POST", "/v1/batches/*/cancel"),
    "upload": ("POST", "/v1/files"),
    "upload_begun": ("POST", "/v1/uploads"),
    "upload_part": ("POST", "/v1/uploads/*/parts"),
    "upload_completed": ("POST", "/v1/uploads/*/complete"),
    "job": ("GET", "/v1/fine_tuning/jobs/*"),
    "chat": ("POST", "/v1/chat/completions"),
}
COUNTED: dict[Call, str] = {
    "create_job": "POST /v1/fine_tuning/jobs",
    "create_batch": "POST /v1/batches",
    "cancel_batch": "POST /v1/batches/{batch_id}/cancel",
    "upload": "POST /v1/files",
    "upload_begun": "POST /v1/uploads",
    "upload_part": "POST /v1/uploads/{upload_id}/parts",
    "upload_completed": "POST /v1/uploads/{upload_id}/complete",
    "job": "GET /v1/fine_tuning/jobs/{job_id}",
    "chat": "POST /v1/chat/completions",
}
REFUSALS: dict[ErrorKind, dict[str, Any]] = {
    ErrorKind.RATE: {
        "status": 429,
        "code": "rate_limit_exceeded",
        "type": "requests",
        "message": "Rate limit reached on requests per min. Please try again in 1.5s.",
        "headers": {"retry-after": "2", "retry-after-ms": "1500"},
    },
    ErrorKind.CAPACITY: {
        "status": 429,
        "code": "rate_limit_exceeded",
        "message": "Your organization has reached the maximum of 3 active requests for 'm'.",
    },
    ErrorKind.DAILY: {"status": 429, "code": "daily_rate_limit_exceeded"},
    ErrorKind.QUOTA: {"status": 429, "code": "insufficient_quota", "type": "insufficient_quota"},
    ErrorKind.COLD: {"status": 429, "message": "The model is still being loaded."},
    ErrorKind.UNAVAILABLE: {"status": 403, "code": "training_not_available"},
    ErrorKind.AUTH: {"status": 403, "message": "You have insufficient permissions."},
    ErrorKind.MODERATION: {"status": 400, "code": "content_policy_violation"},
    ErrorKind.NOT_READY: {"status": 400, "message": "File 'file-1' is still being processed."},
    ErrorKind.BAD_REQUEST: {"status": 400, "message": "Unknown parameter: 'x'."},
    ErrorKind.SERVER: {"status": 503, "message": "The engine is currently overloaded."},
}


class SandboxBench:
    """A dialect's adapter against the sandbox provider's face for it."""

    dialect: Dialect = "openai"
    base_model = "gpt-4.1-mini-2025-04-14"
    keeps_labels = True
    tells_story = True
    options: Mapping[str, Any] = {}  # of the account
    routes = ROUTES
    counted = COUNTED
    refusals = REFUSALS

    def __init__(self, folder: Path) -> None:
        self._server = ProviderServer(
            folder,
            dialect=self.dialect,
            seconds_per_step=0.05,
            deployment_delay_s=0.2,
            seconds_per_batch_request=0.02,
        )
        self._providers: dict[tuple[str, int | None], Provider] = {}

    def account(self, *, part_bytes: int | None = None) -> Account:
        """The account's profile, once the server runs."""
        sizes = {"plain_file_bytes": part_bytes, "part_bytes": part_bytes} if part_bytes else {}
        fields = {"dialect": self.dialect, "base_url": self._server.url, "capabilities": sizes}
        return Account.model_validate({**fields, "options": dict(self.options)})

    @property
    def capabilities(self) -> Capabilities:
        """What the account can do."""
        return self.account().capabilities

    def provider(self, key: str | None = None, *, part_bytes: int | None = None) -> Provider:
        chosen, secret = (key or KEY, part_bytes), SecretStr(key or KEY)
        if chosen not in self._providers:
            account = self.account(part_bytes=part_bytes)
            self._providers[chosen] = build_provider("lab", account, secret, DEADLINE_S)
        return self._providers[chosen]

    def refuse(self, call: Call, kind: ErrorKind) -> None:
        self._strike(call, kind="error", **self.refusals[kind])

    def break_down(self, call: Call, breakage: Breakage) -> None:
        self._strike(call, kind=breakage)

    def ignore(self, *, filters: bool = False, cursors: bool = False) -> None:
        oddities = {"metadata_filter_ignored": filters, "after_ignored": cursors}
        self._server.set_faults(oddities=oddities)

    def behave(self) -> None:
        self._server.set_faults()

    def break_nth(self, spared: int, breakage: Breakage) -> None:
        self._server.set_faults({"kind": breakage, "spared": spared, "times": 1})

    def unbroken(self) -> bool:
        (rule,) = self._server.control("GET", "/sandbox/faults")["rules"]
        return not rule["fired"]

    def calls(self, call: Call) -> int:
        return int(self._server.stats()["requests"].get(self.counted[call], 0))

    def _strike(self, call: Call, **rule: Any) -> None:
        method, path = self.routes[call]
        self._server.set_faults({"method": method, "path": path, "times": 1, **rule})

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.kill()
