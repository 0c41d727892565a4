"""Which workers are at work, and what they can do."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from tuneq_shared.domain.item import Queue
from tuneq_shared.domain.scoring import BUILT_IN
from tuneq_shared.errors import InvalidInputError
from tuneq_shared.ports.fleet import LOST_AFTER_S, Fleet, WorkerInfo

_COMMAND = "celery -A tuneq_worker worker -Q"


def live_workers(fleet: Fleet) -> list[WorkerInfo]:
    """The workers that spoke lately."""
    now = fleet.now()
    return [worker for worker in fleet.workers() if now - worker.seen_at < LOST_AFTER_S]


def lost_workers(fleet: Fleet) -> list[tuple[WorkerInfo, float]]:
    """The workers that fell silent without a farewell, and for how many seconds."""
    now = fleet.now()
    silent = [(worker, now - worker.seen_at) for worker in fleet.workers()]
    return [(worker, age) for worker, age in silent if age >= LOST_AFTER_S]


def trouble_with_queue(workers: Iterable[WorkerInfo], queue: Queue) -> str:
    """What is wrong where nobody works on a queue; empty where somebody does."""
    if any(queue in worker.queues for worker in workers):
        return ""
    return f"no worker is at work on the queue {queue}: start one with `{_COMMAND} {queue}`"


def trouble_with_account(workers: Iterable[WorkerInfo], account: str) -> str:
    """What is wrong where no worker can use an account; empty where one can."""
    said = {worker.accounts.get(account, "does not know it") for worker in workers}
    if not said or "" in said:
        return ""
    return f"no worker can use account {account}: {'; '.join(sorted(said))}"


def refuse_unknown_scorers(workers: Iterable[WorkerInfo], scorers: Iterable[str]) -> None:
    """Look whether evaluation workers have these scorers, where any is at work.

    Raises:
        InvalidInputError: none of them has one of these.
    """
    evaluating = [worker for worker in workers if Queue.EVALUATION in worker.queues]
    known = {*BUILT_IN, *(name for worker in evaluating for name in worker.scorers)}
    unknown = sorted(set(scorers) - known) if evaluating else []
    if unknown:
        close = get_close_matches(unknown[0], known, n=1)
        meant = f" (did you mean {close[0]}?)" if close else ""
        raise InvalidInputError(
            f"no evaluation worker has the scorer {unknown[0]!r}{meant}",
            hint=f"name one of {', '.join(sorted(known))}, or register it on the workers, under "
            "[scorers] in their tuneq.toml, and start them anew",
        )


def troubles(
    workers: Iterable[WorkerInfo], accounts: Iterable[str], *, evaluated: bool
) -> Iterator[str]:
    """What keeps runs of these accounts waiting, a sentence each."""
    workers = list(workers)
    for queue in (Queue.RUNS, *([Queue.EVALUATION] if evaluated else [])):
        if trouble := trouble_with_queue(workers, queue):
            yield trouble
    for account in accounts:
        if trouble := trouble_with_account(workers, account):
            yield trouble
