"""The thread in every run worker that prunes now and then."""

import logging
import random
import threading

from redis.exceptions import RedisError

from tuneq_shared.domain.item import Kind
from tuneq_shared.errors import ConfigurationError, DataRootError, RedisUnreachableError
from tuneq_shared.ports.fleet import Fleet
from tuneq_worker.ports.stage import Ports
from tuneq_worker.retention.files import delete_unneeded
from tuneq_worker.retention.pruning import DAY_S, let_go

log = logging.getLogger(__name__)

PERIOD_S = 3600.0
"""Between two turns of the whole fleet; several at once would do no harm, only work."""

_LOOK_S = 60.0
_JOIN_S = 5.0


class Housekeeper(threading.Thread):
    """Takes a turn when nobody has had it for an hour; trouble waits for the next turn."""

    def __init__(self, ports: Ports, fleet: Fleet, *, look_s: float = _LOOK_S) -> None:
        """One that asks so often whether it has the turn."""
        super().__init__(name="tuneq-housekeeping", daemon=True)
        self._ports = ports
        self._fleet = fleet
        self._look_s = look_s
        self._done = threading.Event()

    def run(self) -> None:
        """Until stopped."""
        # At random, so that it is not always the same worker that comes first.
        while not self._done.wait(self._look_s * random.uniform(0.5, 1.5)):
            try:
                self.turn()
            except (RedisError, RedisUnreachableError, DataRootError, OSError) as error:
                log.warning("pruning waits for the next turn: %s", error)
            except Exception:  # the next turn may go well
                log.exception("a fault while pruning")

    def turn(self) -> None:
        """Archive, and delete the files of each account whose key is here, if it is its turn."""
        if self._has_turn("archive"):
            self._archive()
        for account in sorted(self._ports.settings.accounts):
            if self._has_key(account) and self._has_turn(f"files:{account}"):
                self._delete_files(account)

    def stop(self) -> None:
        """Finish the piece in hand; what takes long is left as at any kill."""
        self._done.set()
        self.join(_JOIN_S)

    def _wanted(self) -> bool:
        return not self._done.is_set() and not self._ports.stopping.is_set()

    def _has_turn(self, what: str) -> bool:
        return self._wanted() and self._ports.retention.claim_turn(what, PERIOD_S)

    def _archive(self) -> None:
        # The root may have been replaced, or not be mounted any more.
        self._ports.data.settle(self._fleet)
        age_s = self._ports.settings.retention_days * DAY_S
        gone = let_go(self._ports, age_s, wanted=self._wanted)
        if any(gone.values()):
            log.info(
                "archived %d runs and %d evaluations, forgot %d uploads",
                gone[Kind.RUN], gone[Kind.EVALUATION], gone[Kind.UPLOAD],
            )  # fmt: skip

    def _has_key(self, account: str) -> bool:
        try:
            self._ports.accounts.provider(account)
        except ConfigurationError:
            return False
        return True

    def _delete_files(self, account: str) -> None:
        report = delete_unneeded(self._ports, account, wanted=self._wanted)
        if report.deleted:
            log.info("account %s: deleted %d files", account, report.deleted)
        if report.trouble:
            log.warning("account %s: %d files stay: %s", account, report.left, report.trouble)
