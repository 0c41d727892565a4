"""An account as `tuneq accounts` shows it. The fields' names are the keys of its JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from tuneq_producer.client import Client
from tuneq_producer.live_workers import live_workers
from tuneq_producer.views.loading import loaded
from tuneq_shared.domain.account import AccountState, account_id
from tuneq_shared.domain.lifecycle import AccountStage
from tuneq_shared.domain.record import Record
from tuneq_shared.end_dates import Ending, calendar_of
from tuneq_shared.errors import UnreadableError
from tuneq_shared.ports.fleet import ModelList, WorkerInfo
from tuneq_shared.ports.learnt import Learnt, ModelRates, Places
from tuneq_shared.redis_store.connection import without_password
from tuneq_shared.settings import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """Whether runs of the account get on."""

    ok: bool
    reason: str = ""  # why not
    usable_by: tuple[str, ...] = ()  # live workers
    not_usable_by: dict[str, str] = field(default_factory=dict)  # and why


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsView:
    """What the account allows, as configured and as learnt."""

    configured: dict[str, Any]
    active_jobs: tuple[Places, ...]
    rates: tuple[ModelRates, ...]


@dataclass(frozen=True, slots=True)
class EndView:
    """A model's last day."""

    model: str
    last_day: date
    days_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsView:
    """What a worker saw of the account's models, and the ends that are known."""

    count: int
    seen_at: datetime | None
    trouble: str
    ends: tuple[EndView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """Everything about one account that needs no key."""

    account: str
    default: bool
    dialect: str
    base_url: str
    health: HealthView
    days_left: int | None  # to the last day for new jobs, which the capabilities say
    capabilities: dict[str, Any]
    limits: LimitsView
    prices: dict[str, dict[str, float]]  # USD, by model
    models: ModelsView


def account_views(client: Client, names: Sequence[str]) -> Iterator[AccountView]:
    """These configured accounts, in order."""
    settings, live = client.settings, live_workers(client.fleet)
    calendar, listed = calendar_of(settings, client.fleet), client.fleet.models()
    learnt = client.learnt.read()
    records = client.catalogue.read([account_id(name) for name in names])
    for name, record in zip(names, records, strict=True):
        account, known = settings.accounts[name], learnt.get(name, Learnt())
        ends = calendar.all_of(name)
        yield AccountView(
            account=name,
            default=name == settings.default_account,
            dialect=account.dialect,
            base_url=without_password(account.base_url),
            health=_health(name, record, live),
            days_left=next((end.days_left for end in ends if not end.model), None),
            capabilities=account.capabilities.model_dump(mode="json"),
            limits=_limits(account, known),
            prices={model: price.model_dump() for model, price in account.prices.items()},
            models=_models(listed.get(name, ModelList()), ends),
        )


def _health(name: str, record: Record | None, live: Sequence[WorkerInfo]) -> HealthView:
    said = {worker.name: worker.accounts.get(name, "does not know it") for worker in live}
    troubles = {worker: trouble for worker, trouble in said.items() if trouble}
    usable = tuple(worker for worker, trouble in said.items() if not trouble)
    reason = _trouble(record)
    if not reason and not usable:
        reason = "no worker can use it" if troubles else "no worker is at work"
    return HealthView(ok=not reason, reason=reason, usable_by=usable, not_usable_by=troubles)


def _trouble(record: Record | None) -> str:
    if record is None:
        return ""
    try:
        state = loaded(record, AccountState)
    except UnreadableError as error:
        return error.message
    why = f"{state.failure.code}: {state.failure.message}" if state.failure else ""
    if state.stage is AccountStage.STOPPED:
        return f"stopped: {why or 'no reason given'}"
    return f"no news of its jobs: {why}" if why else ""


def _limits(account: Account, known: Learnt) -> LimitsView:
    configured = account.limits.model_dump()
    return LimitsView(configured=configured, active_jobs=known.places, rates=known.rates)


def _models(listed: ModelList, ends: Sequence[Ending]) -> ModelsView:
    return ModelsView(
        count=listed.count,
        seen_at=datetime.fromtimestamp(listed.seen_at, UTC) if listed.seen_at else None,
        trouble=listed.trouble,
        ends=tuple(EndView(end.model, end.last_day, end.days_left) for end in ends if end.model),
    )
