"""Where an evaluation's samples were right, as `--json` prints it."""

from dataclasses import dataclass

MOST = 200
"""Parts of each kind, and cells of the confusion: those of the most samples are kept."""


@dataclass(frozen=True, slots=True)
class Part:
    """Those samples that have a label, a subject or a field in common."""

    name: str
    samples: int
    correct: int
    accuracy: float
    interval: tuple[float, float]  # 95 % by Wilson


@dataclass(frozen=True, slots=True)
class Confused:
    """Samples of a label from whose answers the same was read."""

    label: str
    parsed: str | None  # none: nothing, or the model declined
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """Where an evaluation's samples were right. The field names are those of the JSON document."""

    labels: tuple[Part, ...] = ()
    subjects: tuple[Part, ...] = ()
    fields: tuple[Part, ...] = ()  # of targets that are JSON objects
    confusion: tuple[Confused, ...] = ()  # wrong and right ones
    omitted: dict[str, int]  # how many more there are of each, where there are more than MOST
