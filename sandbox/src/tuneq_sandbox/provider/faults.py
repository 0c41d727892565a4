"""Faults on order: which request goes wrong, how, and how often. Random, but seeded."""

import random
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FaultKind = Literal["error", "drop", "lost_answer", "error_after", "hang", "malformed"]
WORK_DONE: frozenset[FaultKind] = frozenset({"lost_answer", "error_after", "hang"})
"""Kinds that do the request's work before they go wrong; the others do nothing."""


class FaultRule(BaseModel):
    """Requests that match go wrong in one way, by chance or a number of times."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FaultKind
    """error: an error answer, nothing done. drop: connection closed, nothing done.
    lost_answer: done, then the connection is closed. error_after: done, then an error answer.
    hang: done, answered `seconds` later. malformed: nothing done, a 200 that is not JSON."""
    method: str = "*"
    path: str = "*"
    """With `*` wildcards, such as `/v1/fine_tuning/jobs` or `/v1/files/*`."""
    probability: float = Field(default=1.0, ge=0, le=1)
    spared: int = Field(default=0, ge=0)
    """The first so many matching requests pass unharmed."""
    times: int | None = Field(default=None, ge=0)
    """Only the next so many matching requests; None: for ever."""
    status: int = Field(default=500, ge=400, le=599)
    code: str | None = None
    type: str = "server_error"
    message: str = "The server had an error while processing your request. Sorry about that!"
    headers: dict[str, str] = {}
    seconds: float = Field(default=30.0, ge=0)


class Oddities(BaseModel):
    """Ways in which compatible servers differ, each off by default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metadata_filter_ignored: bool = False
    metadata_dropped: bool = False
    """Metadata is accepted and neither kept nor returned."""
    after_ignored: bool = False
    """Every page of a list is the first one."""
    list_lag_s: float = Field(default=0.0, ge=0)
    """A job shows up in the list so long after its creation."""
    result_base64: bool = False
    result_columns: Literal["openai", "azure"] = "openai"


class FaultPlan(BaseModel):
    """The whole of what goes wrong; replaced as a whole at run time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 0
    rules: tuple[FaultRule, ...] = ()
    oddities: Oddities = Oddities()


@dataclass(slots=True)
class _Counted:
    rule: FaultRule
    left: int | None
    spared: int
    fired: int = 0


class Faults:
    """The plan in force, and what it did so far."""

    def __init__(self, plan: FaultPlan) -> None:
        self.replace(plan)

    def replace(self, plan: FaultPlan) -> None:
        """Put another plan in force; counts start anew."""
        self._plan = plan
        self._random = random.Random(plan.seed)
        self._rules = [
            _Counted(rule=rule, left=rule.times, spared=rule.spared) for rule in plan.rules
        ]

    @property
    def oddities(self) -> Oddities:
        """How this server differs from OpenAI's."""
        return self._plan.oddities

    def choose(self, method: str, path: str) -> FaultRule | None:
        """The first rule that strikes this request, if any; it is used up by one."""
        for counted in self._rules:
            rule = counted.rule
            if counted.left == 0 or rule.method not in {"*", method}:
                continue
            if not fnmatchcase(path, rule.path):
                continue
            if counted.spared:
                counted.spared -= 1
                continue
            if rule.probability < 1 and self._random.random() >= rule.probability:
                continue
            if counted.left is not None:
                counted.left -= 1
            counted.fired += 1
            return rule
        return None

    def describe(self) -> dict[str, Any]:
        """The plan as JSON, each rule with how often it struck and how often it still will."""
        document = self._plan.model_dump(mode="json")
        for shown, counted in zip(document["rules"], self._rules, strict=True):
            shown["fired"] = counted.fired
            shown["left"] = counted.left
        return document
