"""The rows of the bench."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.dose import Dose
from tests.faults.row_absent import absent
from tests.faults.row_cancelled import cancelled
from tests.faults.row_capped import capped
from tests.faults.row_clocks import clocks
from tests.faults.row_dialect import all_flawed, answers_lost
from tests.faults.row_flaky import flaky
from tests.faults.row_frozen import frozen
from tests.faults.row_key import key
from tests.faults.row_kills import kills
from tests.faults.row_node import node
from tests.faults.row_points import points
from tests.faults.row_redis import redis
from tests.faults.row_retried import retried
from tests.faults.row_unanswered import error_after, hang, lost_answer, unfiltered
from tests.faults.row_unmarked import unmarked
from tests.faults.stuck import StuckError
from tests.faults.verdict import Result

from tuneq_shared.dialects import Dialect


@dataclass(frozen=True, slots=True)
class Row:
    """One fault, and how much of it."""

    name: str
    fault: str
    play: Callable[[Dose], Result]
    full: int  # runs
    small: int  # runs, as the tests do it

    def run(self, folder: Path, scale: float) -> tuple[Result, float]:
        """Play it; gives the result, and the seconds it took from start to verdict."""
        folder.mkdir(parents=True)
        begun = time.monotonic()
        runs = max(self.small, round(self.full * scale))
        try:
            result = self.play(Dose(folder, runs, scale))
        except StuckError as error:
            result = Result(load=runs, as_expected=0, jobs=0, uploads=0, broken=(str(error),))
        return result, time.monotonic() - begun


DEPLOYING: tuple[Dialect, ...] = ("azure", "fireworks", "nebius", "together")

ROWS = (
    Row("kills", "kill -9 of random run workers and evaluators", kills, 300, 6),
    Row("points", "kill -9 before and after each side effect", points, 0, 0),
    Row("frozen", "SIGSTOP in a stage beyond the lease, then SIGCONT", frozen, 20, 5),
    Row("key", "the key echoed, failures of every kind", key, 4, 4),
    Row("node", "a Node process, garbage, workers killed", node, 1000, 30),
    Row("lost-answer", "answer lost after the job was created", lost_answer, 100, 8),
    Row("error-after", "500 after the job was created", error_after, 100, 8),
    Row("hang", "no answer in time after the job was created", hang, 100, 6),
    Row("flaky", "5 % 500s, 10 % 429s, 5 % drops, every route", flaky, 300, 3),
    Row("redis", "Redis killed, away, Celery's queues deleted", redis, 300, 8),
    Row("absent", "all workers off, then evaluators off", absent, 300, 12),
    Row("cancelled", "one of a shared upload, one of an evaluation", cancelled, 20, 6),
    Row("unfiltered", "metadata filter ignored, answers lost", unfiltered, 100, 8),
    Row("unmarked", "no metadata kept, answers lost, of uploads too", unmarked, 100, 8),
    Row("retried", "a failed job, then retry, twice", retried, 20, 6),
    Row("capped", "3 active jobs, others' among them, workers killed", capped, 600, 12),
    *(
        Row(f"{dialect}-lost", "answers lost, of deployments too", answers_lost(dialect), 100, 3)
        for dialect in DEPLOYING
    ),
    *(
        Row(
            f"{dialect}-flaky",
            "5 % of all requests: 500s, drops, lost answers",
            all_flawed(dialect),
            100,
            3,
        )
        for dialect in DEPLOYING
    ),
    Row("clocks", "two workers' clocks 2 minutes apart", clocks, 50, 10),
)
