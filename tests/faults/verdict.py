"""What must hold after every row, as the provider and the data root show it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.site import Site

from tuneq_shared.domain.evaluation import Evaluation
from tuneq_shared.domain.lifecycle import EvaluationStage, RunStage
from tuneq_shared.domain.record import load
from tuneq_shared.domain.run import Run
from tuneq_worker.evaluation.predictions import read_predictions


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the table."""

    load: int  # runs
    as_expected: int  # runs that ended in the stage they should
    jobs: int  # at the provider
    uploads: int  # training files at the provider
    broken: tuple[str, ...]  # what did not hold, in words
    notes: str = ""  # what the fault did

    @property
    def is_ok(self) -> bool:
        return not self.broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must hold."""

    jobs: int
    uploads: int
    samples: int | None = None  # of each evaluation
    stages: Mapping[str, RunStage] = field(default_factory=dict[str, RunStage])
    """By run, where it is not succeeded."""
    strangers: int = 0  # jobs that somebody else bought
    deployments: int = 0  # of tuned models, all of them removed


def judge(site: Site, expected: Expected, notes: str = "", *broken: str) -> Result:
    """Compare runs, provider and predictions with what must hold; faults are switched off."""
    site.provider.set_faults()
    runs = site.look(site.runs)
    books = site.provider.books()
    files = {f["id"]: f["filename"] for f in books["files"] if f["purpose"] == "fine-tune"}
    bought = {
        job.id: job.purchase or _told_by(files.get(job.training_file or "", ""))
        for job in site.account().all_jobs()
    }
    if expected.strangers:
        theirs = [job for job, purchase in bought.items() if not purchase]
        broken += tuple(_differs("jobs of others", len(theirs), expected.strangers))
        bought = {job: purchase for job, purchase in bought.items() if purchase}
    good = [run for run in runs if run.stage == expected.stages.get(run.id, RunStage.SUCCEEDED)]
    broken += (
        *_strays(runs, good, len(site.runs)),
        *_purchases(runs, bought),
        *_differs("jobs", len(bought), expected.jobs),
        *_differs("uploads", len(files), expected.uploads),
        *_deployed(books["deployments"], expected.deployments),
        *(_evaluations(site, good, expected.samples) if expected.samples else ()),
    )
    return Result(
        load=len(site.runs),
        as_expected=len(good),
        jobs=len(bought),
        uploads=len(files),
        broken=broken,
        notes=notes,
    )


def _told_by(filename: str) -> str:
    """The purchase that a training file was uploaded for alone; empty for a shared one."""
    own = re.fullmatch(r"tuneq-[0-9a-f]{32}-([a-z2-7]{20})-(\d+)\.jsonl", filename)
    return f"{own[1]}/{own[2]}" if own else ""


def _differs(what: str, found: int, wanted: int) -> Iterator[str]:
    if found != wanted:
        yield f"{found} {what} instead of {wanted}"


def _deployed(deployments: list[Any], wanted: int) -> Iterator[str]:
    """Each model once, and nothing stands."""
    yield from _differs("deployments", len(deployments), wanted)
    yield from _differs("deployed models", len({each["model"] for each in deployments}), wanted)
    standing = [each["name"] for each in deployments if each["removed_at"] is None]
    if standing:
        yield f"still deployed: {standing[:3]}"


def _strays(runs: list[Run], good: list[Run], wanted: int) -> Iterator[str]:
    if len(good) == wanted:
        return
    stages = Counter(run.stage.value for run in runs)
    yield f"{len(good)} of {wanted} runs ended as expected: {dict(stages)}"
    for run in [run for run in runs if run not in good][:3]:
        yield f"{run.name} is {run.stage}: {run.failure or run.waiting}"


def _purchases(runs: list[Run], bought: Mapping[str, str]) -> Iterator[str]:
    """No purchase twice, none of nobody, none adopted by another run."""
    for purchase, times in Counter(bought.values()).items():
        if times > 1:
            yield f"purchase {purchase} was made {times} times"
    known = {f"{run.id}/{n}" for run in runs for n in range(run.purchase.n + 1)}
    for stranger in set(bought.values()) - known:
        yield f"a job bears the purchase {stranger!r}, which no run made"
    for run in runs:
        if run.job_id and bought.get(run.job_id) != f"{run.id}/{run.purchase.n}":
            yield f"{run.name} goes by {run.job_id}, of purchase {bought.get(run.job_id)}"


def _evaluations(site: Site, runs: list[Run], samples: int) -> Iterator[str]:
    """Each is done, with every sample once."""
    names = dict.fromkeys(
        asked.evaluation for run in runs if run.stage is RunStage.SUCCEEDED for asked in run.asked
    )
    if not names:
        yield "nothing was evaluated"
    for record in site.client.catalogue.read([Evaluation.item_of(name) for name in names]):
        if record is None:
            yield "an evaluation vanished"
            continue
        evaluation = load(record, Evaluation)
        counts = evaluation.counts
        if evaluation.stage is not EvaluationStage.DONE or counts.samples != samples:
            yield f"{evaluation.id} is {evaluation.stage} with {counts.samples} samples"
        elif evaluation.artifact:
            rows = read_predictions(site.client.data, evaluation.artifact)
            if [row.sample for row in rows] != list(range(samples)):
                yield f"{evaluation.artifact} has not every sample once"
