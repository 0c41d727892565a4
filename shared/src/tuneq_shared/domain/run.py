"""A run: one request followed to its end."""

from dataclasses import dataclass, field

from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.request import FineTuneRequest
from tuneq_shared.domain.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the prepare stage made of the datasets."""

    training_digest: str  # sha256 of the lines to upload; empty where the provider has the file
    examples: int  # lines to train on
    tokens: int  # of those lines, once through
    tokens_method: str  # how they were counted
    validation_digest: str | None = None
    evaluation_digest: str | None = None  # the dataset to evaluate on, under the data root
    source_digest: str | None = None  # the whole training file, where examples are taken from it
    duplicates: int = 0  # lines that stand twice in the sample
    leaked: int = 0  # validation or evaluation lines that stand in the sample


@dataclass(frozen=True, slots=True)
class Purchase:
    """One attempt to buy a run's job or a shard's batch, known to the provider as `<item>/<n>`."""

    n: int = 0
    intent_at: float | None = None  # Redis time of a POST whose outcome is unknown, in seconds


@dataclass(frozen=True, slots=True)
class Asked:
    """An evaluation that a run asked for."""

    evaluation: str  # its id
    model: str
    role: str  # tuned or baseline
    shots: int = 0
    reused: bool = False  # it was there before this run asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One request and how far it has come. A change makes a new one."""

    id: str
    stage: RunStage
    request: FineTuneRequest
    created_at: float  # Redis time, seconds since the epoch
    finished_at: float | None = None
    prepared: Prepared | None = None
    training_file_id: str | None = None
    validation_file_id: str | None = None
    file_purchase: int | None = None  # the one that the training file was uploaded for alone
    file_since: float | None = None  # that file is no older: neither is a job that trains on it
    lost_files: tuple[str, ...] = ()  # uploads that the provider has since deleted
    purchase: Purchase = Purchase()
    job_id: str | None = None
    job_status: str | None = None  # the provider's own word
    candidates: tuple[str, ...] = ()  # jobs of which an operator must say whether they are its
    chosen: str | None = None  # the candidate that an operator has said is its job
    disowned: tuple[str, ...] = ()  # jobs that are not its: never adopted, nor asked about again
    job_since: float | None = None  # Redis time from which on its deadline counts
    fine_tuned_model: str | None = None
    trained_tokens: int | None = None
    artifacts: tuple[str, ...] = ()  # paths under the data root
    asked: tuple[Asked, ...] = ()
    failure: Failure | None = None
    waiting: Waiting | None = None
    held_from: RunStage | None = None
    again: bool = False  # an operator's retry: take up ended uploads and evaluations again
    sharing: bool = False  # has joined its uploads in this stage
    attempts: dict[str, int] = field(default_factory=dict)  # failed tries in a row, by what failed
    cost_estimated: float | None = None  # USD
    cost_actual: float | None = None  # USD

    @property
    def item(self) -> ItemId:
        """Its id among the items."""
        return ItemId(Kind.RUN, self.id)

    @property
    def account(self) -> str:
        """The account it buys from; intake has resolved it."""
        return self.request.account or ""

    @property
    def name(self) -> str:
        """Its name, by default its id."""
        return self.request.name or self.id

    @property
    def purchase_name(self) -> str:
        """How its present purchase is known."""
        return f"{self.id}/{self.purchase.n}"

    @property
    def may_have_job(self) -> bool:
        """Whether there may be a job that it does not follow yet."""
        return bool(self.purchase.intent_at is not None or self.chosen or self.candidates)

    @property
    def slot_pool(self) -> str:
        """Where its job counts as active: account and base model."""
        return f"{self.account}/{self.request.model}"
