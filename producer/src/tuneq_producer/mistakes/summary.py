"""An evaluation's mistakes, counted by label or subject, as `--json` prints them."""

from dataclasses import dataclass
from typing import Literal

from tuneq_producer.mistakes.mistake import Mistake

By = Literal["label", "subject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many samples are what; the last three are none where there is no baseline."""

    name: str | None  # of the label or subject; none for all, and for those without one
    samples: int
    mistakes: int  # wrong, unparsed and refused
    wrong: int
    unparsed: int
    refused: int
    errored: int  # without an answer
    fixed: int | None
    broken: int | None
    both_wrong: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What went wrong. The field names are those of the JSON document."""

    run: str
    name: str
    group: str
    model: str
    evaluation: str
    baseline: str | None  # as `--baseline` takes it
    baseline_evaluation: str | None
    note: str | None  # why there is no baseline, or which others there are
    total: Counted
    by: By | None  # what the groups are; none where the data has neither
    groups: tuple[Counted, ...]  # most mistakes first
    omitted: int  # further groups
    mistakes: tuple[Mistake, ...]  # some, broken ones first
