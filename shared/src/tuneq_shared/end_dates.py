"""The last days of accounts and models: a near one is told, and nothing new is begun after it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from tuneq_shared.domain.request import FineTuneRequest
from tuneq_shared.errors import InvalidInputError
from tuneq_shared.ports.fleet import Fleet, ModelList
from tuneq_shared.settings import Account, Settings

NEAR_DAYS = 60
"""An end is told of from so many days before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The last day of an account or of one of its models."""

    account: str
    model: str = ""  # empty: the account itself, which takes new jobs until then
    last_day: date
    days_left: int  # 0 on the last day, below 0 after it

    @property
    def is_over(self) -> bool:
        """The last day is gone."""
        return self.days_left < 0

    @property
    def is_near(self) -> bool:
        """It is to be told, over or not."""
        return self.days_left <= NEAR_DAYS

    @property
    def words(self) -> str:
        """What ends when, in a sentence."""
        model = f"model {self.model} of account {self.account}"
        if self.is_over:
            ended = f"{model} ended" if self.model else f"account {self.account} took its last jobs"
            return f"{ended} on {self.last_day}"
        ends = f"{model} ends on" if self.model else f"account {self.account} takes new jobs until"
        when = {0: "today", 1: "tomorrow"}.get(self.days_left, f"in {self.days_left} days")
        return f"{ends} {self.last_day}, {when}"

    @property
    def hint(self) -> str:
        """What to do, or how to correct a wrong date."""
        if self.model:
            return (
                f"use another model; if the day is wrong, set it under "
                f"[accounts.{self.account}.end_dates]"
            )
        return (
            f"use another account; if the day is wrong, set end_date under "
            f"[accounts.{self.account}.capabilities]"
        )


class Calendar:
    """All last days as of one day: the configuration's words before the provider's."""

    def __init__(
        self, accounts: Mapping[str, Account], listed: Mapping[str, ModelList], today: date
    ) -> None:
        self._today = today
        self._accounts = {name: each.capabilities.end_date for name, each in accounts.items()}
        self._models = {
            name: {**(listed[name].end_dates if name in listed else {}), **each.end_dates}
            for name, each in accounts.items()
        }

    def of(self, account: str, models: Iterable[str], *, trains: bool = True) -> Iterator[Ending]:
        """The known ends of an account, unless it is not to train, and of these models of it."""
        of_models = self._models.get(account, {})
        for model in (*([""] if trains else []), *models):  # the account itself first
            last_day = of_models.get(model) if model else self._accounts.get(account)
            if last_day is not None:
                yield Ending(
                    account=account,
                    model=model,
                    last_day=last_day,
                    days_left=(last_day - self._today).days,
                )

    def all_of(self, account: str) -> list[Ending]:
        """Every known end of an account: its own, then the models', soonest first."""
        of_models = self._models.get(account, {})
        return list(self.of(account, sorted(of_models, key=lambda m: (of_models[m], m))))

    def refuse_ended(self, account: str, models: Iterable[str], *, trains: bool = True) -> None:
        """Look whether a job may still be begun, or where it trains none, the models asked.

        Raises:
            InvalidInputError: the last day of the account, or of one of the models, is over.
        """
        known = self.of(account, models, trains=trains)
        over = [ending for ending in known if ending.is_over]
        if over:
            raise InvalidInputError("; ".join(each.words for each in over), hint=over[0].hint)


def calendar_of(settings: Settings, fleet: Fleet) -> Calendar:
    """What the configuration says and workers have seen, today by Redis's clock."""
    return Calendar(settings.accounts, fleet.models(), day_of(fleet.now()))


def models_of(request: FineTuneRequest) -> dict[str, list[str]]:
    """The models that a resolved request needs, by account: the base, then the baselines'."""
    own = request.account or ""
    models = {own: [request.model]}
    for baseline in request.evaluation.baselines if request.evaluation else ():
        models.setdefault(baseline.account or own, []).append(baseline.model)
    return models


def day_of(seconds: float) -> date:
    """The day in UTC of an instant since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).date()
