"""Evaluating: ask for the evaluations, share those that others asked for, sleep until all ended."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tuneq_shared.domain.deployment import Deployment, deployment_id
from tuneq_shared.domain.evaluation import Evaluation, EvaluationSpec
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import DeploymentStage, EvaluationStage, RunStage
from tuneq_shared.domain.record import load
from tuneq_shared.domain.request import Baseline, EvaluationRequest
from tuneq_shared.domain.run import Asked, Prepared, Run
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.evaluations import join_evaluation
from tuneq_shared.ports.items import Asked as Asks
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
    standing = _standing(evaluations, ports)
    if standing is not None:
        reason = f"{standing.model} is being removed, so that it costs nothing any more"
        return Sleep(run, standing.item, Waiting(WaitKind.DEPLOYMENT, standing.id, reason))
    failed = next((e for e in evaluations if e.stage is INCOMPLETE), None)
    if failed is not None:
        cause = f": {failed.failure.message}" if failed.failure else ""
        words = f"the evaluation of {failed.spec.model} is incomplete{cause}"
        return Fail(run, Failure("evaluation_incomplete", words, run.stage))
    return Advance(replace(run, stage=RunStage.SUCCEEDED))


def _standing(evaluations: Sequence[Evaluation], ports: Ports) -> Deployment | None:
    """A deployment of a model that was evaluated, and that nobody needs but has still to go.

    A run does not end before: who has awaited its end may stop all workers then.
    """
    asked = [e.spec for e in evaluations if _may_deploy(e.spec.account, ports)]
    if not asked:
        return None
    items = [deployment_id(spec.account, spec.model) for spec in asked]
    records = [record for record in ports.catalogue.read(items) if record]
    going = (r for r in records if r.asked == Asks.CANCEL or r.stage == DeploymentStage.RELEASING)
    return next((load(record, Deployment) for record in going), None)


def _may_deploy(account: str, ports: Ports) -> bool:
    """Whether it deploys models; a baseline's account may be known to other workers alone."""
    known = ports.settings.accounts.get(account)
    return known is None or known.capabilities.deployment


def specs(run: Run) -> Iterator[tuple[str, EvaluationSpec]]:
    """The evaluations that a trained run wants, with their roles; the tuned model's first."""
    wanted, prepared = run.request.evaluation, run.prepared
    if wanted is None or run.fine_tuned_model is None or prepared is None:
        return
    tuned = Baseline(model=run.fine_tuned_model)
    spec = spec_of(run.account, wanted, tuned, prepared)
    yield _TUNED, replace(spec, base=run.request.model)
    for baseline in wanted.baselines:
        account = baseline.account or run.account
        yield _BASELINE, spec_of(account, wanted, baseline, prepared)


def spec_of(
    account: str, wanted: EvaluationRequest, of: Baseline, prepared: Prepared
) -> EvaluationSpec:
    """The evaluation of a model, as a run wants it."""
    dataset, source = prepared.evaluation_digest or "", prepared.source_digest or ""
    return EvaluationSpec(
        account=account,
        model=of.model,
        dataset=str(StagedFile(dataset)),
        dataset_digest=dataset,
        scorer=wanted.scorer,
        scorer_options=wanted.scorer_options,
        max_tokens=wanted.max_tokens,
        temperature=wanted.temperature,
        mode=wanted.mode,
        system=wanted.system,
        prompt=wanted.prompt,
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
