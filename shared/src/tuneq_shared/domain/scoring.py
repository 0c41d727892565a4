"""How answers are judged: the scorers that are always there, and the options that each takes."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

ScorerName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Take = Literal["only", "first", "last"]
"""Which of several that an answer holds counts; `only`: none, unless all are the same."""

OWN_SCORERS = "tuneq.scorers"
"""The entry point group by which workers know further scorers."""


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NoOptions(_Options):
    """Of a scorer that takes none."""


class ContainsOptions(_Options):
    """Of `contains`."""

    ignore_case: bool = False


class RegexOptions(_Options):
    """Of `regex`."""

    pattern: str = Field(min_length=1, max_length=1000)
    """In RE2's syntax."""
    group: Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")] | None = (
        None
    )
    """What of a match counts: the first group, or the whole match where there is none."""
    take: Take = "only"


class NumericOptions(_Options):
    """Of `numeric`: right is what lies within either tolerance."""

    absolute: float = Field(default=0.0, ge=0)
    relative: float = Field(default=0.0, ge=0)
    """Share of the target."""
    take: Take = "only"


DEFAULT_SCORER = "exact"

BUILT_IN: Mapping[str, type[_Options]] = {
    "choice": NoOptions,
    "contains": ContainsOptions,
    "exact": NoOptions,
    "json": NoOptions,
    "normalised": NoOptions,
    "numeric": NumericOptions,
    "regex": RegexOptions,
}
"""The scorers that every worker has. Any other name is one that users registered on theirs."""


def options_by_scorer() -> list[JsonValue]:
    """What each scorer's options may be, for the JSON Schema of what has both."""
    every: list[JsonValue] = []
    for name, model in BUILT_IN.items():
        schema = model.model_json_schema()
        taken: dict[str, Any] = {"properties": {"scorer_options": schema}}
        if "required" in schema:
            taken["required"] = ["scorer_options"]
        named: dict[str, Any] = {"properties": {"scorer": {"const": name}}}
        if name != DEFAULT_SCORER:
            named["required"] = ["scorer"]
        every.append({"if": named, "then": taken})
    return every


def scorer_options(scorer: str, given: Mapping[str, JsonValue]) -> dict[str, Any]:
    """The options as they are kept: checked, and without those at their default.

    What the scorers of users take is known on the workers alone.

    Raises:
        ValidationError: the scorer does not take them, or needs one that is not given.
    """
    known = BUILT_IN.get(scorer)
    if known is None or (known is NoOptions and not given):
        return dict(given)
    return known.model_validate(given).model_dump(mode="json", exclude_defaults=True)
