"""The thread in every run worker that tells the fleet which models end, and when."""

import logging
import threading
from dataclasses import replace
from heapq import nsmallest

from redis.exceptions import RedisError

from tuneq_shared.errors import ConfigurationError, RedisUnreachableError
from tuneq_shared.ports.fleet import Fleet, ModelList
from tuneq_worker.ports.deployments import RemoteModel
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.ports.stage import Ports

log = logging.getLogger(__name__)

MOST_ENDING = 1000
"""Models of an account whose last day is told: an account may list any number of tuned ones."""

_PERIOD_S = 3600.0  # between two good looks of the whole fleet at an account
_TRY_S = 300.0  # between two of any kind
_LOOK_S = 60.0
_JOIN_S = 1.0


class ModelWatch(threading.Thread):
    """Asks each account for its models once an hour, if nobody else has; trouble is told, too."""

    def __init__(self, ports: Ports, fleet: Fleet) -> None:
        super().__init__(name="tuneq-models", daemon=True)
        self._ports = ports
        self._fleet = fleet
        self._done = threading.Event()

    def run(self) -> None:
        """Until stopped."""
        pause = 0.0
        while not self._done.wait(pause):
            pause = _LOOK_S
            try:
                self.turn()
            except (RedisError, RedisUnreachableError, OSError) as error:
                log.warning("the accounts' models are not looked at: %s", error)
            except Exception:  # the next look may go well
                log.exception("a fault while looking at models")

    def turn(self) -> None:
        """Look at the accounts whose turn it is and whose key is here."""
        known, now = self._fleet.models(), self._fleet.now()
        for account in sorted(self._ports.settings.accounts):
            before = known.get(account, ModelList())
            if now - before.seen_at >= _PERIOD_S and self._has_turn(account):
                self._fleet.tell_models(account, self._seen(account, before))

    def stop(self) -> None:
        """Begin nothing more; a question on its way is not waited for."""
        self._done.set()
        self.join(_JOIN_S)

    def _has_turn(self, account: str) -> bool:
        try:
            self._ports.accounts.provider(account)
        except ConfigurationError:
            return False  # another worker may have the key
        stops = self._done.is_set() or self._ports.stopping.is_set()
        return not stops and self._ports.retention.claim_turn(f"models:{account}", _TRY_S)

    def _seen(self, account: str, before: ModelList) -> ModelList:
        """What the account lists; after an error what was known before, and the error."""
        try:
            models = self._ports.accounts.provider(account).models()
        except ProviderError as error:
            log.warning("account %s: its models cannot be listed: %s", account, error.message)
            return replace(before, trouble=f"{error.code}: {error.message}")
        ending = nsmallest(MOST_ENDING, models, key=_last_day)
        return ModelList(
            count=len(models),
            end_dates={model.id: model.end_date for model in ending if model.end_date},
            seen_at=self._fleet.now(),
        )


def _last_day(model: RemoteModel) -> tuple[bool, str]:
    return model.end_date is None, str(model.end_date)
