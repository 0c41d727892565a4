"""An account as an item: what follows its active jobs, and what stops all its runs at once."""

from dataclasses import dataclass

from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import AccountStage


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """Whether an account works, and if not, why."""

    id: str
    stage: AccountStage
    failure: Failure | None = None  # why it is stopped; while active, why there is no news
    refused_for_good: bool = False  # stopped because the account may not train at all
    stopped_until: float | None = None  # Redis time at which it may be tried again by itself
    attempts: int = 0  # failed sweeps in a row
    failing_since: float | None = None  # Redis time of the first of them
    silent_s: float = 0.0  # waited between them: without workers nobody listens
    look_at: float = 0.0  # Redis time until which jobs that are not young need no look
    wakes: int = 0  # how often it was woken before the last look

    @property
    def item(self) -> ItemId:
        """Its id among the items."""
        return account_id(self.id)


def account_id(name: str) -> ItemId:
    """The item id of an account."""
    return ItemId(Kind.ACCOUNT, name)
