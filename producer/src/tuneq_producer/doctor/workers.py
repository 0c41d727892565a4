"""The workers: who is at work, and who fell silent."""

from collections.abc import Iterator

from tuneq_producer.client import Client
from tuneq_producer.doctor.finding import Finding, ok, warn
from tuneq_producer.live_workers import live_workers, lost_workers, trouble_with_queue
from tuneq_shared.domain.item import Queue

_CHECK = "workers"


def check_workers(client: Client) -> Iterator[Finding]:
    """Look at each queue, then at the lost."""
    live = live_workers(client.fleet)
    for queue in Queue:
        if trouble := trouble_with_queue(live, queue):
            what, _, hint = trouble.partition(": ")
            yield warn(_CHECK, what, hint)
        else:
            names = [worker.name for worker in live if queue in worker.queues]
            yield ok(_CHECK, f"queue {queue}: {', '.join(names)}")
    for worker, silent_s in lost_workers(client.fleet):
        hint = "start it again; others take over its work when its leases end"
        yield warn(_CHECK, f"{worker.name} fell silent {silent_s:.0f} s ago", hint)
