"""Every route of the provider fails now and then, chat included."""

from tests.faults.dose import Dose
from tests.faults.orders import contents, orders
from tests.faults.site import Site
from tests.faults.verdict import Expected, Result, judge
from tests.faults.workers import EVALUATION, RUNS

SAMPLES = 24
FLAWS = (
    {"kind": "error", "status": 500, "probability": 0.05},
    {
        "kind": "error",
        "status": 429,
        "code": "rate_limit_exceeded",
        "type": "requests",
        "message": "Rate limit reached for requests. Please try again in 300ms.",
        "headers": {"retry-after-ms": "300"},
        "probability": 0.1,
    },
    {"kind": "drop", "probability": 0.05},
)


def flaky(dose: Dose) -> Result:
    with Site(dose.folder) as site:
        # Without an end, one run or another would fail many times in a row and wait for minutes.
        times = None if dose.scale else dose.runs
        site.provider.set_faults(*({**flaw, "times": times} for flaw in FLAWS), seed=5)
        site.workers.start(RUNS, RUNS, EVALUATION)
        site.submit(orders(dose.runs, samples=SAMPLES))
        site.await_end()
        faults = site.provider.stats()["faults"]
        expected = Expected(jobs=dose.runs, uploads=contents(dose.runs), samples=SAMPLES)
        return judge(site, expected, f"{sum(faults.values())} requests struck")
