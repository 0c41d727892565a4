"""A worker dies before and after every side effect of every stage, each once."""

from tests.faults.dose import Dose
from tests.faults.lane import SLOWLY, Lane, open_lanes, play_all, total
from tests.faults.verdict import Result

LANES, FEW_LANES = 6, 2
DYING_S = 10.0
AROUND_MONEY = (
    "after run creating: save 1",
    "after run creating: create_job 1",
    "after upload pending: upload 1",
    "after run creating: commit, asleep",
    "before shard pending: commit, done",
)
"""The small dose."""


def points(dose: Dose) -> Result:
    lanes, provider = (LANES, SLOWLY) if dose.scale else (FEW_LANES, {})
    with open_lanes(dose.folder, lanes, **provider) as opened:
        chosen = _all_points(opened[-1]) if dose.scale else list(AROUND_MONEY)
        broken = play_all(opened, chosen, play)
        return total(opened, f"{len(chosen)} deaths, each at another point", broken)


def _all_points(lane: Lane) -> list[str]:
    """Those that a run comes to that is left in peace."""
    lane.submit()
    lane.site.await_end()
    return [f"{moment} {effect}" for effect in lane.effects() for moment in ("before", "after")]


def play(lane: Lane, point: str) -> tuple[str, ...]:
    """Two runs and a death; the next worker takes over."""
    site, victim = lane.site, lane.worker
    if not lane.strike(f"kill {point}"):
        return ("no run came to it",)
    if not site.until(lambda: victim.child.returncode is not None, DYING_S):
        raise site.stuck("nobody died")
    site.workers.kill(victim)  # it is dead: this buries it
    lane.worker = lane.start_worker()
    site.await_end()
    return lane.verdict().broken
