"""Evaluating: ask for the evaluations, share those that others asked for, sleep until all ended."""

from collections.abc import Iterator
from dataclasses import replace

from tuneq_shared.domain.evaluation import Evaluation, EvaluationSpec
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import EvaluationStage, RunStage
from tuneq_shared.domain.record import load
from tuneq_shared.domain.request import Baseline, EvaluationRequest
from tuneq_shared.domain.run import Asked, Prepared, Run
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.evaluations import join_evaluation
from tuneq_shared.ports.items import Creation
from tuneq_shared.references import StagedFile
from tuneq_worker.ports.stage import Advance, Fail, Lease, Ports, Sleep, StageResult

_TUNED, _BASELINE = "tuned", "baseline"
CANCELLED, DONE, INCOMPLETE = (
    EvaluationStage.CANCELLED,
    EvaluationStage.DONE,
    EvaluationStage.INCOMPLETE,
)


def evaluate(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Join every evaluation, then sleep on the first that has not ended."""
    del lease
    asked = []
    for role, spec in specs(run):
        fingerprint = spec.fingerprint()
        known = next((a for a in run.asked if a.evaluation == fingerprint), None)
        # What stayed incomplete for another run, at another time, is no answer to this one.
        tries_anew = run.again or known is None
        revive_from = [CANCELLED, INCOMPLETE] if tries_anew else [CANCELLED]
        creation = join_evaluation(ports.items, ports.archive, spec, str(run.item), revive_from)
        reused = known.reused if known else creation is Creation.EXISTS
        asked.append(Asked(fingerprint, spec.model, role, spec.shots, reused))
    run = replace(run, asked=tuple(asked), again=False)
    evaluations = _read(run, ports)
    for evaluation in evaluations:
        if evaluation.stage not in {DONE, INCOMPLETE}:
            reason = f"{evaluation.spec.model} is being evaluated"
            waiting = Waiting(WaitKind.EVALUATION, evaluation.id, reason)
            return Sleep(run, evaluation.item, waiting)
    failed = next((e for e in evaluations if e.stage is INCOMPLETE), None)
    if failed is not None:
        cause = f": {failed.failure.message}" if failed.failure else ""
        words = f"the evaluation of {failed.spec.model} is incomplete{cause}"
        return Fail(run, Failure("evaluation_incomplete", words, run.stage))
    return Advance(replace(run, stage=RunStage.SUCCEEDED))


def specs(run: Run) -> Iterator[tuple[str, EvaluationSpec]]:
    """The evaluations that a trained run wants, with their roles; the tuned model's first."""
    wanted, prepared = run.request.evaluation, run.prepared
    if wanted is None or run.fine_tuned_model is None or prepared is None:
        return
    tuned = Baseline(model=run.fine_tuned_model)
    yield _TUNED, _spec(run.account, wanted, tuned, prepared)
    for baseline in wanted.baselines:
        yield _BASELINE, _spec(run.account, wanted, baseline, prepared)


def _spec(
    account: str, wanted: EvaluationRequest, of: Baseline, prepared: Prepared
) -> EvaluationSpec:
    dataset, source = prepared.evaluation_digest or "", prepared.source_digest or ""
    return EvaluationSpec(
        account=account,
        model=of.model,
        dataset=str(StagedFile(dataset)),
        dataset_digest=dataset,
        scorer=wanted.scorer,
        max_tokens=wanted.max_tokens,
        temperature=wanted.temperature,
        limit=wanted.limit,
        shots=of.shots,
        shots_from=str(StagedFile(source)) if of.shots else None,
        shots_digest=source if of.shots else None,
    )


def _read(run: Run, ports: Ports) -> list[Evaluation]:
    items = [Evaluation.item_of(asked.evaluation) for asked in run.asked]
    records = ports.catalogue.read(items)
    if None in records:
        raise LookupError(f"an evaluation of {run.item} vanished from Redis")
    return [load(record, Evaluation) for record in records if record is not None]
