"""Jobs fail; their runs are retried, and retried once more while they go on, and after the end."""

from tests.faults.dose import Dose
from tests.faults.orders import MODEL, contents, orders
from tests.faults.site import Site
from tests.faults.verdict import Expected, Result, judge
from tests.faults.workers import RUNS
from tests.sandbox.provider_server import chat_lines

from tuneq_producer.commands.retry import take_up
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.request import FineTuneRequest

TOO_FEW = 3  # lines: the job fails when the provider looks at the file
PAUSE_S = 0.1  # of training a step, so that jobs can be cancelled and runs retried under way


def retried(dose: Dose) -> Result:
    """Half of the jobs are cancelled behind tuneq's back, half have a file that cannot train."""
    with Site(dose.folder, seconds_per_step=PAUSE_S) as site, site.provider.client() as client:
        bad = client.files.create(file=("bad.jsonl", chat_lines(TOO_FEW)), purpose="fine-tune")
        site.workers.start(RUNS, RUNS)
        hopeful = site.submit(orders(dose.runs - dose.runs // 2))
        hopeless = site.submit(
            FineTuneRequest(model=MODEL, training_file=bad.id, name=f"bad-{n}", group="bench")
            for n in range(dose.runs // 2)
        )
        site.await_that(
            "all jobs should be bought", lambda: all(run.job_id for run in site.look(hopeful))
        )
        for run in site.look(hopeful):
            client.fine_tuning.jobs.cancel(run.job_id or "")
        site.await_end()
        failed = sum(run.stage is RunStage.FAILED for run in site.look(site.runs))
        records = site.records(site.runs)
        deeds = take_up(site.client, records), take_up(site.client, records)
        taken, again = (sum(deed.changed for deed in each) for each in deeds)
        site.await_end()
        after = sum(deed.changed for deed in take_up(site.client, site.records(hopeful)))
        expected = Expected(
            jobs=2 * dose.runs,
            uploads=contents(len(hopeful)) + 1,
            stages=dict.fromkeys(hopeless, RunStage.FAILED),
        )
        told = f"{failed} failed, retried {taken}, then {again}, after the end {after}"
        broken = [] if (failed, taken, again, after) == (dose.runs, dose.runs, 0, 0) else [told]
        return judge(site, expected, told, *broken)
