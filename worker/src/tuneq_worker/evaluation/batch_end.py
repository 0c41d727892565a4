"""The end of a batch: its answers are joined to the samples, and what is left is asked again."""

import logging
from collections.abc import Container, Iterable
from dataclasses import replace
from itertools import chain

from tuneq_shared.domain.evaluation import Order, Shard
from tuneq_shared.domain.failure import STOPS_ACCOUNT, ErrorKind, Failure
from tuneq_shared.domain.lifecycle import ShardStage
from tuneq_shared.domain.run import Purchase
from tuneq_worker.evaluation.answer_cache import remember
from tuneq_worker.evaluation.judging import declined, errored, scored
from tuneq_worker.evaluation.parts import answered, kept_rows, strewn, with_part
from tuneq_worker.evaluation.predictions import Prediction
from tuneq_worker.evaluation.samples import Sample, read_samples
from tuneq_worker.evaluation.scorers import Scorer, scorer_of
from tuneq_worker.intents import LOOK_AGAIN_S
from tuneq_worker.policy import backoff_s
from tuneq_worker.ports.batches import Answer, Batch, BatchStatus
from tuneq_worker.ports.provider import Completion, Provider, ProviderError
from tuneq_worker.ports.stage import Advance, Fail, Lease, Ports, StageResult, Wait
from tuneq_worker.recovery import recover, with_attempt

log = logging.getLogger(__name__)

LOOKS = 5  # at what is not found at the provider
_ANSWERS_LOOK_S = 60.0  # between them where a batch has ended: what it answered is paid for
_TRIES = 5  # batches, for one sample
_OLD_S = 3600.0  # the provider's clock may differ from Redis's, but no more
_TURNS = 600  # batches in a row that find no room: two days
_FINAL = {ErrorKind.BAD_REQUEST, ErrorKind.NOT_FOUND}  # another try would end no better
_NO_ROOM = {ErrorKind.RATE, ErrorKind.CAPACITY}


def samples_left(shard: Shard, rows: Container[int], ports: Ports) -> list[Sample]:
    """The samples that have no such row."""
    every = read_samples(shard.spec, ports.data, shard.start, shard.stop)
    return [sample for sample in every if sample.index not in rows]


def ended(
    shard: Shard, batch: Batch | None, provider: Provider, ports: Ports, lease: Lease[Shard]
) -> StageResult[Shard]:
    """Keep what a batch has answered, and ask the rest anew; none: it is gone."""
    if batch is not None and batch.status is BatchStatus.FAILED:
        return _turned_away(shard, batch, provider, lease)
    rows = rows_so_far(shard, ports)
    told = _files_of(batch, provider)
    lacks_some = batch is None or len(told) < _files_promised(batch)
    if lacks_some:  # they may have been read, and Redis have lost that
        rows = strewn(shard, ports) | rows
    left = {str(sample.index): sample for sample in samples_left(shard, rows, ports)}
    if left and lacks_some and _answers_may_show(shard, batch):
        return Wait(with_attempt(shard), _ANSWERS_LOOK_S)
    trouble = _joined(chain.from_iterable(map(provider.read_answers, told)), left, rows,
                      scorer_of(shard.spec, ports.settings))  # fmt: skip
    # What an earlier try has bought and read already is no try of this one.
    counts = bool(told) or not _is_old(shard, batch)
    another = Purchase(shard.order.purchase.n + 1)
    order = Order(purchase=another, ended=shard.order.ended + counts)
    why = _why_no_more(shard, batch, order, trouble)
    if why:
        rows |= {sample.index: errored(sample, why) for sample in left.values()}
        left = {}
    files = {shard.order.file, *_its_files(batch)}
    shard = with_part(replace(shard, attempts=0, order=order), rows, ports, lease)
    remember(shard, rows, ports)
    lease.save(shard)  # before what it was read from goes
    delete_files(files, provider)
    if not left:
        return Advance(replace(shard, stage=ShardStage.DONE, order=Order(purchase=another)))
    if trouble is not None and trouble.kind in STOPS_ACCOUNT:
        return recover(shard, shard.spec.account, trouble)
    return Wait(shard, backoff_s(ErrorKind.SERVER, order.ended))


def not_found(shard: Shard) -> StageResult[Shard]:
    """Look again soon, and count that up to where it is believed."""
    return Wait(with_attempt(shard) if shard.attempts < LOOKS else shard, LOOK_AGAIN_S)


def _joined(
    answers: Iterable[Answer],
    left: dict[str, Sample],
    rows: dict[int, Prediction],
    scorer: Scorer,
) -> ProviderError | None:
    """Move samples from those that are left to the rows; the worst of why some are not moved."""
    trouble: ProviderError | None = None
    for answer in answers:
        sample = left.get(answer.request)
        row = _row(scorer, sample, answer) if sample else None
        if row is not None:
            rows[row.sample] = row
            del left[answer.request]
        elif sample is not None and isinstance(answer.result, ProviderError):
            stops = trouble is not None and trouble.kind in STOPS_ACCOUNT
            trouble = trouble if stops else answer.result
    return trouble


def _turned_away(
    shard: Shard, batch: Batch, provider: Provider, lease: Lease[Shard]
) -> StageResult[Shard]:
    """A batch that was refused as a whole has cost nothing; there may be room for another later."""
    failure = batch.failure or ProviderError(ErrorKind.SERVER, f"{batch.id} has failed")
    files, turned = {shard.order.file, *_its_files(batch)}, shard.order.turned_away + 1
    # A file that tells its batch, for want of metadata, is of one purchase.
    kept = shard.order.file if batch.purchase and failure.kind in _NO_ROOM else None
    another = Purchase(shard.order.purchase.n + 1)
    order = Order(purchase=another, file=kept, ended=shard.order.ended, turned_away=turned)
    shard = replace(shard, order=order)
    lease.save(shard)
    delete_files(files - {kept}, provider)
    may_pass = failure.kind not in STOPS_ACCOUNT | _FINAL | {ErrorKind.MODERATION}
    if may_pass and turned < (_TURNS if failure.kind in _NO_ROOM else _TRIES):
        log.info("%s: a batch was refused, another is tried later: %s", shard.item, failure)
        return Wait(shard, backoff_s(failure.kind, turned))
    if failure.kind in STOPS_ACCOUNT:
        return recover(shard, shard.spec.account, failure)
    return Fail(shard, Failure(failure.code, failure.message))


def _why_no_more(
    shard: Shard, batch: Batch | None, order: Order, trouble: ProviderError | None
) -> str:
    """Why what is left is not asked again in this try; empty if it is."""
    ours = shard.order.cancelled or _is_old(shard, batch)
    if batch is None and not ours:  # it may go on where this key cannot see it
        return f"{shard.order.batch} is gone at the provider"
    if batch is not None and batch.status is BatchStatus.CANCELLED and not ours:
        return f"{batch.id} was cancelled at the provider"
    if order.ended < _TRIES:
        return ""
    return trouble.message if trouble else f"no answer in {_TRIES} batches"


def rows_so_far(shard: Shard, ports: Ports) -> dict[int, Prediction]:
    """What is not asked again in this try."""
    return kept_rows(shard, ports) if shard.order.ended else answered(shard, ports)


def _is_old(shard: Shard, batch: Batch | None) -> bool:
    """Whether it was there long before it was found: bought by an earlier try, since forgotten."""
    since = shard.order.since
    if batch is None or since is None or not batch.created_at:
        return False
    return batch.created_at < since - _OLD_S


def _answers_may_show(shard: Shard, batch: Batch | None) -> bool:
    """Whether answers that are not found are looked for again."""
    return batch is not None and not _is_old(shard, batch) and shard.attempts < LOOKS


def _files_promised(batch: Batch) -> int:
    """Of one that was completed there is one at least, whether it is told of yet or not."""
    return max(len(batch.answers), batch.status is BatchStatus.COMPLETED)


def _files_of(batch: Batch | None, provider: Provider) -> list[bytes]:
    """Those files of answers that are still there."""
    found = []
    for file_id in batch.answers if batch else ():
        try:
            found.append(provider.result_file(file_id))
        except ProviderError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                raise
            log.warning("%s is gone, and with it what the batch had answered", file_id)
    return found


def _row(scorer: Scorer, sample: Sample, answer: Answer) -> Prediction | None:
    """What became of a sample; none where it is to be asked again."""
    result = answer.result
    if isinstance(result, Completion):
        return scored(scorer, sample, result)
    if result.kind is ErrorKind.MODERATION:
        return declined(sample, result.message)
    return errored(sample, result.message) if result.kind in _FINAL else None


def _its_files(batch: Batch | None) -> tuple[str | None, ...]:
    return (batch.requests, *batch.answers) if batch else ()


def delete_files(files: Iterable[str | None], provider: Provider) -> None:
    """What is left all the same, the provider deletes by itself after a while."""
    for file_id in filter(None, files):
        try:
            provider.delete_file(file_id)
        except ProviderError as error:
            log.info("%s is left to expire: %s", file_id, error)
