"""Answers lost and 5 % of everything, in the words of each vendor; tuned models are deployed."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.contracts.benches import bench_of
from tests.faults.dose import Dose
from tests.faults.orders import contents, orders
from tests.faults.site import Site
from tests.faults.verdict import Expected, Result, judge
from tests.faults.workers import EVALUATION, RUNS

from tuneq_sandbox.provider.faces.registry import face_of
from tuneq_shared.dialects import Dialect

SAMPLES = 6
FLAWS = tuple(
    {"kind": kind, "status": 500, "probability": 0.05 / 3}
    for kind in ("error", "drop", "lost_answer")
)


def answers_lost(dialect: Dialect) -> Callable[[Dose], Result]:
    """Every creation of a job or of a deployment does its work and is not answered."""
    return lambda dose: _play(dose, dialect, _creations(dialect))


def all_flawed(dialect: Dialect) -> Callable[[Dose], Result]:
    """Every route fails now and then, in three ways."""

    def play(dose: Dose) -> Result:
        # Without an end, a few runs would wait minutes for one that fails many times in a row.
        times = None if dose.scale else 2 * dose.runs
        return _play(dose, dialect, tuple({**flaw, "times": times} for flaw in FLAWS))

    return play


def _creations(dialect: Dialect) -> tuple[Mapping[str, Any], ...]:
    routes = bench_of(dialect).routes
    made = [routes[call] for call in ("create_job", "deploy") if call in routes]
    return tuple({"kind": "lost_answer", "method": m, "path": path} for m, path in made)


def _play(dose: Dose, dialect: Dialect, flaws: tuple[Mapping[str, Any], ...]) -> Result:
    with Site(dose.folder, dialect=dialect, deployment_delay_s=0.2) as site:
        capabilities = site.client.settings.account(None)[1].capabilities
        site.provider.set_faults(*map(dict, flaws), seed=7)
        site.workers.start(RUNS, RUNS, EVALUATION)
        site.submit(orders(dose.runs, model=face_of(dialect).demo_model, samples=SAMPLES))
        site.await_end()
        site.await_that("nothing should be deployed any more", site.all_removed)
        struck = sum(site.provider.stats()["faults"].values())
        expected = Expected(
            jobs=dose.runs,
            uploads=contents(dose.runs) if capabilities.metadata else dose.runs,
            samples=SAMPLES,
            deployments=dose.runs if capabilities.deployment else 0,
        )
        untouched = [] if struck else ["nothing was struck"]
        return judge(site, expected, f"{struck} requests struck", *untouched)
