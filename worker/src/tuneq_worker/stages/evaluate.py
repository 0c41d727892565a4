"""Evaluating: ask for the evaluations, share those that others asked for, sleep until all ended."""

from collections.abc import Iterator
from dataclasses import replace

from tuneq_shared.data.digest import sha256_of_stream
from tuneq_shared.domain.evaluation import Evaluation, EvaluationSpec
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import EvaluationStage, RunStage
from tuneq_shared.domain.record import load
from tuneq_shared.domain.request import Baseline, EvaluationRequest
from tuneq_shared.domain.run import Asked, Run
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.evaluations import new_evaluation
from tuneq_shared.ports.items import Creation
from tuneq_shared.references import StagedFile, parse_reference
from tuneq_worker.ports.stage import Advance, Fail, Lease, Ports, Sleep, StageResult

_TUNED, _BASELINE = "tuned", "baseline"


def evaluate(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Join every evaluation, then sleep on the first that has not ended."""
    del lease
    revive_from = [EvaluationStage.CANCELLED]
    if run.again:
        revive_from.append(EvaluationStage.INCOMPLETE)
    asked = []
    for role, spec in specs(run, ports):
        new = new_evaluation(spec)
        creation = ports.items.join(new, str(run.item), revive_from)
        known = next((a for a in run.asked if a.evaluation == new.item.key), None)
        reused = known.reused if known else creation is Creation.EXISTS
        asked.append(Asked(new.item.key, spec.model, role, spec.shots, reused))
    run = replace(run, asked=tuple(asked), again=False)
    evaluations = _read(run, ports)
    for evaluation in evaluations:
        if evaluation.stage not in {EvaluationStage.DONE, EvaluationStage.INCOMPLETE}:
            reason = f"{evaluation.spec.model} is being evaluated"
            waiting = Waiting(WaitKind.EVALUATION, evaluation.id, reason)
            return Sleep(run, evaluation.item, waiting)
    failed = next((e for e in evaluations if e.stage is EvaluationStage.INCOMPLETE), None)
    if failed is not None:
        cause = f": {failed.failure.message}" if failed.failure else ""
        words = f"the evaluation of {failed.spec.model} is incomplete{cause}"
        return Fail(run, Failure("evaluation_incomplete", words, run.stage))
    return Advance(replace(run, stage=RunStage.SUCCEEDED))


def specs(run: Run, ports: Ports) -> Iterator[tuple[str, EvaluationSpec]]:
    """The evaluations that a trained run wants, with their roles; the tuned model's first."""
    wanted = run.request.evaluation
    if wanted is None or run.fine_tuned_model is None:
        return
    dataset_digest = _digest(wanted.dataset, ports)
    yield _TUNED, _spec(run, wanted, Baseline(model=run.fine_tuned_model), dataset_digest, ports)
    for baseline in wanted.baselines:
        yield _BASELINE, _spec(run, wanted, baseline, dataset_digest, ports)


def _spec(
    run: Run, wanted: EvaluationRequest, of: Baseline, dataset_digest: str, ports: Ports
) -> EvaluationSpec:
    shots_from = run.request.training_file if of.shots else None
    return EvaluationSpec(
        account=run.account,
        model=of.model,
        dataset=wanted.dataset,
        dataset_digest=dataset_digest,
        scorer=wanted.scorer,
        max_tokens=wanted.max_tokens,
        temperature=wanted.temperature,
        limit=wanted.limit,
        shots=of.shots,
        shots_from=shots_from,
        shots_digest=_digest(shots_from, ports) if shots_from else None,
    )


def _digest(name: str, ports: Ports) -> str:
    reference = parse_reference(name)
    if isinstance(reference, StagedFile):
        return reference.digest
    with ports.data.open(reference) as file:
        return sha256_of_stream(file)


def _read(run: Run, ports: Ports) -> list[Evaluation]:
    items = [Evaluation.item_of(asked.evaluation) for asked in run.asked]
    records = ports.catalogue.read(items)
    return [load(record, Evaluation) for record in records if record is not None]
