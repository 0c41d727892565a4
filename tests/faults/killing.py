"""kill -9, again and again."""

import random
import time

from tests.faults.site import Site
from tests.faults.workers import Worker

from tuneq_sandbox.stack.roles import Role

_PAUSE_S = (0.0, 0.5)  # between a replacement's readiness and the next kill: any instant will do


class Killer:
    """Kills workers of a site at random instants and replaces them, until all runs have ended."""

    def __init__(self, site: Site, seed: int = 0) -> None:
        self._site = site
        self._random = random.Random(seed)
        self.kills = 0

    def work(self) -> None:
        """Kill one after the other until all runs have ended."""
        site = self._site
        end = time.monotonic() + site.patience_s
        while not site.until(site.all_ended, self._random.uniform(*_PAUSE_S)):
            if time.monotonic() > end:
                raise site.stuck(f"not all runs have ended after {self.kills} kills")
            self._await(self.strike())

    def _await(self, fresh: Worker) -> None:
        self._site.await_that(
            "a new worker should be ready", lambda: fresh.is_ready() or self._site.all_ended()
        )

    def strike(self, role: Role | None = None) -> Worker:
        """Kill a random worker, of a role where one is given; gives the one in its place."""
        living = self._site.workers.living
        victim = self._random.choice([w for w in living if role in {None, w.role}])
        self._site.workers.kill(victim)
        self.kills += 1
        (fresh,) = self._site.workers.start(victim.role)
        return fresh
