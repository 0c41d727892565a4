"""What a stage is given, and what it may answer."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Event
from typing import Generic, Protocol, TypeVar

from tuneq_shared.archive import Archive
from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.account import AccountState
from tuneq_shared.domain.choice import Choice
from tuneq_shared.domain.deployment import Deployment
from tuneq_shared.domain.evaluation import Evaluation, Shard
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.record import ItemT
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.upload import Upload
from tuneq_shared.domain.waiting import Waiting
from tuneq_shared.ports.catalogue import Catalogue
from tuneq_shared.ports.items import Asked, ItemStore, Slot
from tuneq_shared.ports.retention import Retention
from tuneq_shared.ports.slots import SlotBook
from tuneq_shared.settings import Settings
from tuneq_worker.ports.lane import Lane
from tuneq_worker.ports.provider import Provider
from tuneq_worker.ports.scoring import Scorers

ItemT_contra = TypeVar(
    "ItemT_contra", Run, Evaluation, Shard, Upload, Deployment, AccountState, contravariant=True
)


@dataclass(frozen=True, slots=True)
class Advance(Generic[ItemT]):
    """Go on at once, in the stage that the item says."""

    item: ItemT
    event: str = ""
    take: Slot | None = None  # first get a slot, or stand in line for one
    free: bool = False  # hand the slot on
    answered: Asked | None = None  # what was asked of the item is done


@dataclass(frozen=True, slots=True)
class Wait(Generic[ItemT]):
    """Look again after a delay."""

    item: ItemT
    delay_s: float
    waiting: Waiting | None = None
    event: str = ""
    refused: Slot | None = None  # the provider had no room: give the slot back, stand in line
    free: bool = False  # hand the slot on


@dataclass(frozen=True, slots=True)
class Sleep(Generic[ItemT]):
    """Park on another item: look again when it ends, or when it wakes this one."""

    item: ItemT
    on: ItemId
    waiting: Waiting
    mark: str = ""
    event: str = ""


@dataclass(frozen=True, slots=True)
class Fail(Generic[ItemT]):
    """End badly."""

    item: ItemT
    failure: Failure
    job_ended: bool = False  # the provider's job was seen to have ended


@dataclass(frozen=True, slots=True)
class Hold(Generic[ItemT]):
    """An operator must decide. Only runs are held."""

    item: ItemT
    reason: str
    free: bool = False  # hand the slot on


StageResult = Advance[ItemT] | Wait[ItemT] | Sleep[ItemT] | Fail[ItemT] | Hold[ItemT]


class Lease(Protocol[ItemT_contra]):
    """The claim on the item in hand."""

    asked: Asked | None  # what somebody asked of the item before it was claimed
    choice: Choice | None  # what was chosen with a release
    slot: bool  # whether a run holds its slot
    now: float  # Redis time of the claim or its last renewal, seconds
    token: int  # unlike that of any other claim on this item
    wakes: int  # how often the item was woken before it was claimed

    @property
    def wanted(self) -> bool:
        """Whether to go on: the lease is held, nobody asked to cancel, the worker does not stop."""

    def kept(self) -> AbstractContextManager[None]:
        """Renew the lease in the background while the block lasts."""

    def save(self, item: ItemT_contra) -> None:
        """Make a change durable in the middle of a stage.

        Raises:
            StaleClaimError: the lease was lost.
        """

    def require(self) -> None:
        """Look, by this machine's clock alone, whether the lease is held still.

        Raises:
            StaleClaimError: it may have run out, as after this process was stopped for long.
        """

    def renew(self, seconds: float) -> None:
        """Have at least so many seconds left from now on.

        Raises:
            StaleClaimError: the lease was lost.
        """


class Accounts(Protocol):
    """The accounts that this worker can use."""

    def provider(self, name: str) -> Provider:
        """The provider of an account.

        Raises:
            ConfigurationError: it is not configured here, or its key is not here.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The world of a stage."""

    items: ItemStore
    slots: SlotBook
    catalogue: Catalogue
    retention: Retention
    archive: Archive
    data: DataRoot
    accounts: Accounts
    lane: Lane
    scorers: Scorers
    settings: Settings
    stopping: Event = field(default_factory=Event)  # set when the worker is to hand back its work
