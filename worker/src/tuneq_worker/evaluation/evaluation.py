"""An evaluation's stages: cut it into shards, wait for them, conclude."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tuneq_shared.domain.evaluation import Counts, Evaluation, Shard
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import Kind
from tuneq_shared.domain.lifecycle import EvaluationStage, ShardStage, is_terminal
from tuneq_shared.domain.record import document, fixed_part, load
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.errors import InvalidInputError, NotFoundError
from tuneq_shared.ports.items import Asked, NewItem
from tuneq_shared.settings import Price
from tuneq_worker.evaluation.cost import answers_cost
from tuneq_worker.evaluation.cutting import cut
from tuneq_worker.evaluation.predictions import Prediction, read_predictions, write_predictions
from tuneq_worker.evaluation.serving import until_deployed
from tuneq_worker.ports.stage import Advance, Fail, Lease, Ports, Sleep, StageResult

_CANCELLED = EvaluationStage.CANCELLED


def plan(evaluation: Evaluation, ports: Ports, lease: Lease[Evaluation]) -> StageResult[Evaluation]:
    """Read the whole dataset once, so that a bad line costs nothing, and cut it into shards."""
    if lease.asked is Asked.CANCEL:
        return _cancelled(evaluation, ports)
    try:
        places = _cut_before(evaluation, ports)
        if not places:
            places, tokens = cut(evaluation.spec, ports)
            samples = places[-1].stop if places else 0
            estimated = _estimated(evaluation, tokens, samples, ports)
            evaluation = replace(evaluation, cost_estimated=estimated)
    except (InvalidInputError, NotFoundError) as error:
        return Fail(evaluation, Failure(error.code, error.message, evaluation.stage))
    if not places:
        return Fail(evaluation, Failure("empty_dataset", f"{evaluation.spec.dataset} is empty"))
    waits = until_deployed(evaluation, ports)
    if waits is not None:
        return waits
    shards = [_shard(evaluation, index, place) for index, place in enumerate(places)]
    evaluation = replace(
        evaluation, shards=len(shards), counts=Counts(), failure=None, deploying=False
    )
    lease.save(evaluation)  # first: nobody could stop or forget shards that it does not know of
    ports.items.create(_new(shard) for shard in shards)
    _revive([s for s in _shards(evaluation, ports) if s.counts.errored], ports)
    return Advance(replace(evaluation, stage=EvaluationStage.RUNNING))


def run(evaluation: Evaluation, ports: Ports, lease: Lease[Evaluation]) -> StageResult[Evaluation]:
    """Sleep on the last shard that has not ended; when all have, conclude."""
    if lease.asked is Asked.CANCEL:
        return _cancelled(evaluation, ports)
    shards = _shards(evaluation, ports)
    # An earlier cancel may reach a shard only now that the evaluation goes on.
    _revive([s for s in shards if s.stage is ShardStage.CANCELLED], ports)
    unfinished = [shard for shard in shards if shard.stage is not ShardStage.DONE]
    if unfinished:
        reason = f"{len(unfinished)} of {evaluation.shards} shards are to be done"
        waiting = Waiting(WaitKind.EVALUATION, unfinished[-1].id, reason)
        return Sleep(evaluation, unfinished[-1].item, waiting)
    return Advance(replace(evaluation, stage=EvaluationStage.CONCLUDING))


def conclude(
    evaluation: Evaluation, ports: Ports, lease: Lease[Evaluation]
) -> StageResult[Evaluation]:
    """Join the parts into one artifact, and add up the shards' counts."""
    del lease
    shards = _shards(evaluation, ports)
    path = f"evaluations/{evaluation.id}/predictions.jsonl"
    write_predictions(ports.data, path, _rows(shards, ports))
    counts = sum((shard.counts for shard in shards), Counts())
    cost = answers_cost(evaluation.spec, counts, _prices(evaluation, ports))
    evaluation = replace(evaluation, counts=counts, artifact=path, cost_usd=cost)
    expected = sum(shard.stop - shard.start for shard in shards)
    if counts.samples != expected or len(shards) != evaluation.shards:
        words = f"{counts.samples} samples were scored, {expected} were to be"
        return Fail(evaluation, Failure("samples_missing", words, evaluation.stage))
    if counts.errored:
        cause = next((shard.failure for shard in shards if shard.failure), None)
        words = f"{counts.errored} of {counts.samples} samples have no answer or no score"
        because = f"; the last error: {cause.message}" if cause else ""
        return Fail(evaluation, Failure("samples_errored", words + because, evaluation.stage))
    return Advance(replace(evaluation, stage=EvaluationStage.DONE))


def _cancelled(evaluation: Evaluation, ports: Ports) -> StageResult[Evaluation]:
    """Ask its shards to end too, those of an earlier try included."""
    ports.items.ask(map(evaluation.shard_item, range(evaluation.shards)), Asked.CANCEL)
    cancelled = replace(evaluation, stage=_CANCELLED, deploying=False)
    return Advance(cancelled, answered=Asked.CANCEL)


def _estimated(evaluation: Evaluation, tokens: int, samples: int, ports: Ports) -> float | None:
    """USD, should every answer be as long as it may be."""
    most = Counts(prompt_tokens=tokens, completion_tokens=samples * evaluation.spec.max_tokens)
    return answers_cost(evaluation.spec, most, _prices(evaluation, ports))


def _prices(evaluation: Evaluation, ports: Ports) -> Mapping[str, Price]:
    account = ports.settings.accounts.get(evaluation.spec.account)
    return account.prices if account else {}


def _cut_before(evaluation: Evaluation, ports: Ports) -> list[range]:
    """The shards of an earlier try, all of them: cut otherwise, some would count twice."""
    shards = _shards(evaluation, ports)
    whole = len(shards) == evaluation.shards
    return [range(shard.start, shard.stop) for shard in shards] if whole else []


def _shard(evaluation: Evaluation, index: int, place: range) -> Shard:
    return Shard(
        id=evaluation.shard_item(index).key,
        stage=ShardStage.PENDING,
        spec=evaluation.spec,
        evaluation=evaluation.id,
        index=index,
        start=place.start,
        stop=place.stop,
    )


def _new(shard: Shard) -> NewItem:
    return NewItem(item=shard.item, stage=shard.stage, fixed=fixed_part(shard), doc=document(shard))


def _revive(shards: list[Shard], ports: Ports) -> None:
    for record in ports.catalogue.read([shard.item for shard in shards]):
        if record is not None and is_terminal(Kind.SHARD, record.stage):
            ports.items.revive(record, ShardStage.PENDING, record.doc, "")


def _shards(evaluation: Evaluation, ports: Ports) -> list[Shard]:
    items = [evaluation.shard_item(index) for index in range(evaluation.shards)]
    records = ports.catalogue.read(items)
    return [load(record, Shard) for record in records if record is not None]


def _rows(shards: list[Shard], ports: Ports) -> Iterator[Prediction]:
    for shard in shards:
        if shard.part is not None:
            yield from read_predictions(ports.data, shard.part)
