"""A deployment: one model kept callable at an account while evaluations need it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import DeploymentStage
from tuneq_shared.domain.request import short_id

_HOUR_S = 3600.0
_PREFIX = "tuneq-"
_NAME = re.compile(rf"{_PREFIX}([a-z2-7]{{20}})")  # an item's short id; others may begin alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A model at an account, and what stands there for it."""

    id: str
    stage: DeploymentStage
    account: str
    model: str
    remote_id: str | None = None  # the provider's; none where nothing of ours stands
    handle: str | None = None  # what chat calls the model, while it is ready
    intent_at: float | None = None  # Redis time of a POST whose outcome is unknown, in seconds
    asked_at: float | None = None  # Redis time since which it was to become ready
    stands_since: float | None = None  # Redis time, seconds; it may cost from then on
    stood_s: float = 0.0  # seconds for which it stood before that
    failure: Failure | None = None  # why it never became ready
    trouble: str = ""  # why its removal went wrong when it was last tried
    attempts: int = 0

    @property
    def item(self) -> ItemId:
        """Its id among the items."""
        return ItemId(Kind.DEPLOYMENT, self.id)

    @property
    def name(self) -> str:
        """Its name at the provider, by which a creation of unknown outcome is found again."""
        return _PREFIX + self.id.rpartition("/")[2]

    @property
    def may_stand(self) -> bool:
        """Whether something of ours may stand at the provider, and cost."""
        return self.remote_id is not None or self.intent_at is not None

    def stood(self, now: float) -> float:
        """The hours for which it has stood until the Redis time `now`."""
        present = 0.0 if self.stands_since is None else max(0.0, now - self.stands_since)
        return (self.stood_s + present) / _HOUR_S


def deployment_id(account: str, model: str) -> ItemId:
    """The item id of a model's deployment at an account."""
    return ItemId(Kind.DEPLOYMENT, f"{account}/{short_id(f'{account}/{model}')}")


def is_ours(name: str) -> bool:
    """Whether a deployment of this name was asked for by a tuneq."""
    return _NAME.fullmatch(name) is not None


def named_deployments(accounts: Iterable[str], name: str) -> list[ItemId]:
    """What a deployment of this name may be at one of these accounts; nothing: it is not ours."""
    ours = _NAME.fullmatch(name)
    return [ItemId(Kind.DEPLOYMENT, f"{account}/{ours[1]}") for account in accounts] if ours else []
