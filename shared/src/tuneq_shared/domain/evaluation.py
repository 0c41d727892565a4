"""An evaluation: one model scored on one dataset, shared by those who ask for it."""

import hashlib
from dataclasses import asdict, dataclass
from enum import StrEnum

import orjson

from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import EvaluationStage, ShardStage

SHARD_SAMPLES = 150
"""Samples in one shard: some seconds of work, so that a lost one costs little."""

SCORER_VERSION = 1
"""Part of every fingerprint: raise it when a scorer's verdict on the same answer changes."""


class Outcome(StrEnum):
    """Of a sample. Unparsed and refused count as wrong; errored is not yet known."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNPARSED = "unparsed"
    REFUSED = "refused"
    ERRORED = "errored"


@dataclass(frozen=True, slots=True)
class Counts:
    """Outcomes counted apart, and the tokens they took."""

    correct: int = 0
    wrong: int = 0
    unparsed: int = 0
    refused: int = 0
    errored: int = 0
    strict: int = 0  # answers equal to the target to the letter
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, f) + getattr(other, f) for f in self.__slots__))

    @property
    def samples(self) -> int:
        """All samples, whatever came of them."""
        return self.correct + self.wrong + self.unparsed + self.refused + self.errored

    @property
    def accuracy(self) -> float | None:
        """Correct over all samples; none while a sample is errored or there is none at all."""
        return None if self.errored or not self.samples else self.correct / self.samples


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSpec:
    """All that an evaluation's result depends on."""

    account: str
    model: str
    dataset: str  # a reference that workers can open
    dataset_digest: str  # sha256 of its lines
    scorer: str
    max_tokens: int
    temperature: float
    limit: int | None = None  # the first so many samples
    shots: int = 0
    shots_from: str | None = None  # a reference to the whole training file
    shots_digest: str | None = None
    fresh: str = ""  # a word that makes an earlier result not count
    scorer_version: int = SCORER_VERSION

    def fingerprint(self) -> str:
        """16 bytes of sha256 over all that the result depends on, as hex: the evaluation's id."""
        parts = {k: v for k, v in asdict(self).items() if k not in {"dataset", "shots_from"}}
        raw = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(raw).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A specification and how far it has come."""

    id: str
    stage: EvaluationStage
    spec: EvaluationSpec
    shards: int = 0
    counts: Counts = Counts()
    artifact: str | None = None  # path of the predictions under the data root
    failure: Failure | None = None
    attempts: int = 0

    @property
    def item(self) -> ItemId:
        """Its id among the items."""
        return self.item_of(self.id)

    @staticmethod
    def item_of(fingerprint: str) -> ItemId:
        """The id among the items of the evaluation with this fingerprint."""
        return ItemId(Kind.EVALUATION, fingerprint)

    def shard_item(self, index: int) -> ItemId:
        """The id of one of its shards among the items."""
        return ItemId(Kind.SHARD, f"{self.id}/{index}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A slice of an evaluation, samples `start` up to but without `stop`."""

    id: str
    stage: ShardStage
    spec: EvaluationSpec
    evaluation: str
    index: int
    start: int
    stop: int
    counts: Counts = Counts()
    part: str | None = None  # path of its predictions under the data root
    failure: Failure | None = None  # of the last errored sample
    attempts: int = 0

    @property
    def item(self) -> ItemId:
        """Its id among the items."""
        return ItemId(Kind.SHARD, self.id)
