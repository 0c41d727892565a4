"""A shard's only stage: ask its samples, score them, commit one part."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from tuneq_shared.domain.evaluation import Shard
from tuneq_shared.domain.failure import STOPS_ACCOUNT, ErrorKind, Failure
from tuneq_shared.domain.lifecycle import ShardStage
from tuneq_shared.ports.items import Asked
from tuneq_worker.evaluation.answer_cache import recall, remember
from tuneq_worker.evaluation.asking import WAITS, Asking, StoppedError
from tuneq_worker.evaluation.batch_shard import through_batch
from tuneq_worker.evaluation.judging import errored
from tuneq_worker.evaluation.parts import answered, with_part
from tuneq_worker.evaluation.samples import Sample, read_samples
from tuneq_worker.evaluation.scorers import UnusableScorerError, scorer_of
from tuneq_worker.evaluation.serving import called, look_again, needs_deployment
from tuneq_worker.ports.lane import Pace
from tuneq_worker.ports.provider import Chat
from tuneq_worker.ports.stage import Advance, Fail, Lease, Ports, StageResult, Wait
from tuneq_worker.recovery import recover, with_attempt

_AGAIN_S = 1.0
_AGAIN_WHEN_DEPLOYED_S = 30.0
_LOOKS = 10  # at a deployment whose model is not found


def work_through(shard: Shard, ports: Ports, lease: Lease[Shard]) -> StageResult[Shard]:
    """Ask what has no answer yet. Samples of an earlier part are asked again only if errored."""
    work = through_batch if shard.spec.mode == "batch" else _one_by_one
    try:
        return work(shard, ports, lease)
    except UnusableScorerError as error:  # who planned the evaluation has it
        return Fail(shard, Failure(error.code, error.message))


def _one_by_one(shard: Shard, ports: Ports, lease: Lease[Shard]) -> StageResult[Shard]:
    if lease.asked is Asked.CANCEL:
        return Advance(replace(shard, stage=ShardStage.CANCELLED), answered=Asked.CANCEL)
    model = called(shard, ports)
    if not isinstance(model, str):
        return model
    _, account = ports.settings.account(shard.spec.account)
    samples = list(read_samples(shard.spec, ports.data, shard.start, shard.stop))
    asking = Asking(
        spec=shard.spec,
        scorer=scorer_of(shard.spec, ports.settings),
        model=model,
        asker=shard.evaluation,
        in_flight=account.limits.requests_in_flight,
        wanted=lambda: lease.wanted,
        rows=answered(shard, ports),
    )
    asking.rows |= recall(shard, (s for s in samples if s.index not in asking.rows), ports)
    missing = [sample for sample in samples if sample.index not in asking.rows]
    patient = needs_deployment(shard.spec, ports) and shard.attempts < _LOOKS
    waits = STOPS_ACCOUNT | WAITS | ({ErrorKind.NOT_FOUND} if patient else set())
    stopped = ports.lane.run(
        shard.spec.account, model, lambda chat, pace: _ask(chat, pace, asking, missing, waits)
    )
    shard = with_part(shard, asking.rows, ports, lease)
    remember(shard, asking.rows, ports)
    if stopped is None:
        return Advance(replace(shard, stage=ShardStage.DONE, attempts=0))
    if stopped.cause is None:
        return Wait(shard, _AGAIN_S)
    if stopped.cause.kind is ErrorKind.NOT_FOUND:
        return _without_deployment(shard, ports)
    return recover(shard, shard.spec.account, stopped.cause)


def _without_deployment(shard: Shard, ports: Ports) -> StageResult[Shard]:
    """Its model has stopped answering: the deployment is looked at, and perhaps made anew."""
    look_again(shard.spec, ports)
    return Wait(with_attempt(shard), _AGAIN_WHEN_DEPLOYED_S)


async def _ask(
    chat: Chat, pace: Pace, asking: Asking, missing: Sequence[Sample], waits: AbstractSet[ErrorKind]
) -> StoppedError | None:
    """Answers why it stopped early, where every sample is to wait for the account or a worker."""
    try:
        await asking.ask(chat, pace, missing)
    except StoppedError as stopped:
        if stopped.cause is None or stopped.cause.kind in waits:
            return stopped
        for sample in missing:
            asking.rows.setdefault(sample.index, errored(sample, stopped.cause.message))
    return None
