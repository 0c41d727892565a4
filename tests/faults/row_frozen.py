"""A worker is stopped in the middle of a stage for longer than its lease, and goes on later."""

import os
import re
import signal
from typing import Any

from tests.faults.dose import Dose
from tests.faults.lane import SLOWLY, Lane, open_lanes, play_all, total
from tests.faults.verdict import Result

from tuneq_shared.domain.item import Kind

LANES, FEW_LANES = 4, 2
REFUSED = re.compile("was lost; nothing was (written|sent)")
SENDS = frozenset({"run creating: create_job 1", "upload pending: upload 1"})
FIRST = "run submitted: create 1"  # of the account
STAGES = (
    "run creating: create_job 1",
    "run creating: commit, asleep",
    "shard pending: commit, done",
    "upload pending: commit, ready",
    "evaluation concluding: write 1",
)
"""The small dose."""


def frozen(dose: Dose) -> Result:
    count, provider = (LANES, SLOWLY) if dose.scale else (FEW_LANES, {})
    with open_lanes(dose.folder, count, **provider) as lanes:
        chosen = _points(lanes[-1], dose.runs) if dose.scale else list(STAGES[: dose.runs])
        broken = play_all(lanes, [f"before {effect}" for effect in chosen], play)
        return total(lanes, f"{len(chosen)} workers stopped, each at another point", broken)


def _points(lane: Lane, count: int) -> list[str]:
    """What costs money and the end of each stage first, then other effects in their order.

    Before all, for a lane that has just been opened, what is done in its first run alone.
    """
    lane.submit()
    lane.site.await_end()
    return sorted(
        lane.effects(), key=lambda each: (each != FIRST, each not in SENDS, "commit" not in each)
    )[:count]


def play(lane: Lane, point: str) -> tuple[str, ...]:
    """Two runs; another worker brings them to their end, then the stopped one goes on."""
    site, stopped = lane.site, lane.worker
    if not lane.strike(f"stop {point}"):
        return ("no run came to it",)
    lane.worker = lane.start_worker()
    site.await_end()
    before, heard = _state(lane), len(stopped.child.output)
    os.kill(stopped.child.pid, signal.SIGCONT)
    site.await_that(
        "the fence should refuse", lambda: bool(REFUSED.search(stopped.child.output, heard))
    )
    changed = [f"{key} changed" for key, value in _state(lane).items() if value != before.get(key)]
    site.workers.kill(stopped)
    return (*changed, *lane.verdict().broken)


def _state(lane: Lane) -> dict[str, Any]:
    """All items but the account, which goes on, and the histories of the runs."""
    raw, prefix = lane.site.raw, lane.site.client.settings.key_prefix
    items = {
        key: raw.hgetall(key)
        for key in raw.scan_iter(f"{prefix}:item:*")
        if not key.startswith(f"{prefix}:item:{Kind.ACCOUNT}:")
    }
    histories = {key: raw.lrange(key, 0, -1) for key in raw.scan_iter(f"{prefix}:events:*")}
    return {**items, **histories}
