"""An evaluation: one model scored on one dataset, shared by those who ask for it."""

import hashlib
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import EvaluationStage, ShardStage
from tuneq_shared.domain.request import Mode
from tuneq_shared.domain.run import Purchase

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
    cached: int = 0  # answers that were there already, for no tokens

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
    mode: Mode = "direct"  # how the answers are got, which changes nothing about them
    scorer_options: dict[str, Any] = field(default_factory=dict)  # those not at their default
    system: str | None = None  # in place of the lines' own; empty leaves them out
    prompt: str | None = None  # the last user message, with its own text for `{input}`
    base: str | None = None  # of a run's tuned model: whose price counts where it has none

    def fingerprint(self) -> str:
        """16 bytes of sha256 over all that the result depends on, as hex: the evaluation's id."""
        apart = {"dataset", "shots_from", "mode", "base"}
        # These came later: at their default they are as if they were not.
        later: dict[str, Any] = {"system": None, "prompt": None, "scorer_options": {}}
        parts = {
            k: v
            for k, v in asdict(self).items()
            if k not in apart and not (k in later and v == later[k])
        }
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
    cost_usd: float | None = None  # of its answers; none where no price is configured
    cost_estimated: float | None = None  # the same before they are asked for, at most
    failure: Failure | None = None
    deploying: bool = False  # has joined its model's deployment, and waits for it
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
class Order:
    """What a shard has bought that is asked in batches, and how far that is."""

    purchase: Purchase = Purchase()  # noqa: RUF009 - it is frozen
    file: str | None = None  # the provider's id of the requests
    batch: str | None = None  # the provider's id of the batch that is followed
    since: float | None = None  # Redis time from which on it is followed, in seconds
    cancelled: bool = False  # it was to be cancelled
    ended: int = 0  # batches of this try: what they left errored is not asked again in it
    turned_away: int = 0  # batches in a row that found no room at the provider


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
    order: Order = Order()

    @property
    def item(self) -> ItemId:
        """Its id among the items."""
        return ItemId(Kind.SHARD, self.id)

    @property
    def purchase_name(self) -> str:
        """How its present purchase is known."""
        return f"{self.id}/{self.order.purchase.n}"

    @property
    def may_have_batch(self) -> bool:
        """Whether a batch may be going on for it."""
        return self.order.batch is not None or self.order.purchase.intent_at is not None
