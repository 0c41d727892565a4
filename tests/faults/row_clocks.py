"""One run worker's and one evaluator's clock is two minutes ahead."""

import os

from tests.faults.dose import Dose
from tests.faults.orders import contents, orders
from tests.faults.site import Site
from tests.faults.verdict import Expected, Result, judge
from tests.faults.workers import EVALUATION, RUNS

SAMPLES = 24
AHEAD_S = 120
# Python imports this at its start from a folder on PYTHONPATH, before anything asks for the time.
SHIFT = f"""\
import time
_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + {AHEAD_S}
time.time_ns = lambda: _time_ns() + {AHEAD_S} * 10**9
print("the clock is ahead", flush=True)
"""


def clocks(dose: Dose) -> Result:
    with Site(dose.folder, seconds_per_step=0.02, chat_latency_ms=20) as site:
        (site.folder / "ahead").mkdir()
        (site.folder / "ahead" / "sitecustomize.py").write_text(SHIFT)
        site.workers.start(RUNS, EVALUATION)
        path = os.pathsep.join(
            filter(None, (str(site.folder / "ahead"), os.environ.get("PYTHONPATH")))
        )
        early = site.workers.start(RUNS, EVALUATION, more={"PYTHONPATH": path})
        site.workers.await_ready()
        in_time = ["no clock was shifted"] * (not all("ahead" in w.child.output for w in early))
        site.submit(orders(dose.runs, samples=SAMPLES, baseline=True))
        site.await_end()
        claims = [worker.child.output.count("->") for worker in site.workers.living]
        expected = Expected(jobs=dose.runs, uploads=contents(dose.runs), samples=SAMPLES)
        notes = f"{claims[0]} steps in time, {claims[2]} ahead"
        return judge(site, expected, notes, *in_time)
