"""A shard whose samples are asked as one batch: bought once, and followed to its end.

Nobody waits for a batch: each step looks once, and the shard is due again after a while.
"""

import logging
from dataclasses import replace
from tempfile import TemporaryFile
from typing import Any

from tuneq_shared.domain.evaluation import Order, Shard
from tuneq_shared.domain.failure import ErrorKind, Failure
from tuneq_shared.domain.lifecycle import ShardStage
from tuneq_shared.domain.run import Purchase
from tuneq_shared.ports.items import Asked
from tuneq_worker.deadlines import deadlines_of, instant
from tuneq_worker.evaluation.answer_cache import recall
from tuneq_worker.evaluation.batch_end import (
    LOOKS,
    delete_files,
    ended,
    not_found,
    rows_so_far,
    samples_left,
)
from tuneq_worker.evaluation.batch_looks import find, look, may_show_yet, stopped
from tuneq_worker.evaluation.judging import parameters
from tuneq_worker.evaluation.parts import with_part
from tuneq_worker.evaluation.serving import called
from tuneq_worker.intents import LOOK_AGAIN_S, in_grace, new_intent
from tuneq_worker.patience import patience_s
from tuneq_worker.ports.batches import WINDOW_S, Batch
from tuneq_worker.ports.provider import Provider, ProviderError
from tuneq_worker.ports.stage import Advance, Fail, Lease, Ports, StageResult, Wait
from tuneq_worker.recovery import recover, with_attempt
from tuneq_worker.remote_files import is_gone

log = logging.getLogger(__name__)


def through_batch(shard: Shard, ports: Ports, lease: Lease[Shard]) -> StageResult[Shard]:
    """Send the requests, buy their answers, look for them, or cancel them: one step."""
    cancels = lease.asked is Asked.CANCEL
    if cancels and not shard.may_have_batch:
        return _cancelled(shard)
    provider = ports.accounts.provider(shard.spec.account)
    if cancels:
        return _cancel(shard, provider, ports, lease)
    if shard.order.batch is not None:
        return _follow(shard, provider, ports, lease)
    if shard.order.file is not None:
        return _buy(shard, provider, ports, lease)
    return _send(shard, provider, ports, lease)


def _send(
    shard: Shard, provider: Provider, ports: Ports, lease: Lease[Shard]
) -> StageResult[Shard]:
    """Send what is to be asked as a file of this purchase alone, unless it is there."""
    rows = rows_so_far(shard, ports)
    samples = samples_left(shard, rows, ports)
    known = recall(shard, samples, ports)
    if known:
        return Advance(with_part(shard, rows | known, ports, lease))
    if not samples:
        if shard.counts.errored:  # for its scorer, perhaps, that judges it now
            shard = with_part(shard, rows_so_far(shard, ports), ports, lease)
        done = replace(shard, stage=ShardStage.DONE, order=Order(purchase=shard.order.purchase))
        return Advance(done)
    model = called(shard, ports)
    if not isinstance(model, str):
        return model
    name = f"tuneq-{shard.purchase_name.replace('/', '-')}.jsonl"
    found = provider.find_requests(name)
    if found is None:
        with TemporaryFile() as content:
            for each in samples:
                asked = (str(each.index), model, each.messages, parameters(shard.spec))
                content.write(provider.request_line(*asked))
            found = provider.upload_requests(name, content, lease.require)
    return Advance(_ordered(shard, file=found.id))


def _buy(shard: Shard, provider: Provider, ports: Ports, lease: Lease[Shard]) -> StageResult[Shard]:
    """Follow the batch that this purchase has bought already, or buy it."""
    found = find(shard, provider, lease)
    if found is not None:
        return _taken(shard, found, ports, lease)
    if in_grace(shard.order.purchase.intent_at, ports, lease):
        return Wait(shard, LOOK_AGAIN_S)
    _, account = ports.settings.account(shard.spec.account)
    marked = shard.purchase_name if account.capabilities.metadata else None
    shard = _with_intent(shard, ports, lease)
    lease.save(shard)
    try:
        batch = provider.create_batch(shard.order.file or "", marked, lease.require)
    except ProviderError as error:
        if error.ambiguous:  # the grace begins when it is over
            return recover(_with_intent(shard, ports, lease), shard.spec.account, error)
        shard = _ordered(shard, purchase=Purchase(shard.order.purchase.n))
        return _refused(shard, error, provider, lease)
    return _taken(shard, batch, ports, lease)


def _taken(shard: Shard, batch: Batch, ports: Ports, lease: Lease[Shard]) -> StageResult[Shard]:
    bought = Purchase(shard.order.purchase.n)
    shard = _ordered(shard, purchase=bought, batch=batch.id, since=lease.now)
    return Wait(replace(shard, attempts=0), _interval_s(shard, ports))


def _refused(
    shard: Shard, error: ProviderError, provider: Provider, lease: Lease[Shard]
) -> StageResult[Shard]:
    file_id = shard.order.file or ""
    if error.kind in {ErrorKind.NOT_FOUND, ErrorKind.BAD_REQUEST}:
        if shard.attempts < LOOKS and is_gone(file_id, provider):
            return Wait(with_attempt(_ordered(shard, file=None)), LOOK_AGAIN_S)
        shard = _ordered(shard, file=None)  # the next try sends its own
        lease.save(shard)
        delete_files([file_id], provider)
    return recover(shard, shard.spec.account, error)


def _follow(
    shard: Shard, provider: Provider, ports: Ports, lease: Lease[Shard]
) -> StageResult[Shard]:
    """Look at the batch; the longer it has gone on, the later again."""
    since = shard.order.since or lease.now
    pause_s = patience_s(lease.now, since, None, _interval_s(shard, ports))
    try:
        batch = look(shard, provider, lease)
    except ProviderError as error:
        if error.ambiguous and not _is_overdue(shard, ports, lease):
            return Wait(shard, pause_s)  # it goes on, whether we hear of it or not
        raise
    if batch is None and may_show_yet(shard, ports, lease):
        return not_found(shard)
    if batch is None or batch.status.is_terminal:
        return ended(shard, batch, provider, ports, lease)
    if _is_overdue(shard, ports, lease):
        words = f"{batch.id} is {batch.raw_status} since {instant(since)}, over its 24 hours"
        return Fail(shard, Failure("batch_not_ended", words))
    return Wait(replace(shard, attempts=0), pause_s)


def _cancel(
    shard: Shard, provider: Provider, ports: Ports, lease: Lease[Shard]
) -> StageResult[Shard]:
    """Look for a batch that may be there, and have it cancelled."""
    if shard.order.batch is None:
        found = find(shard, provider, lease)
        if found is not None:
            shard = _taken(shard, found, ports, lease).item
        elif in_grace(shard.order.purchase.intent_at, ports, lease):
            return Wait(shard, LOOK_AGAIN_S)
        else:
            return _cancelled(_ordered(shard, purchase=Purchase(shard.order.purchase.n)))
    if not shard.order.cancelled:
        # Who comes back while it ends has the rest asked anew.
        shard = _ordered(shard, cancelled=True)
        lease.save(shard)
    return _cancel_batch(shard, provider, ports, lease)


def _cancel_batch(
    shard: Shard, provider: Provider, ports: Ports, lease: Lease[Shard]
) -> StageResult[Shard]:
    """End when the batch has ended, with what it has answered until then."""
    going_on = Wait(shard, _interval_s(shard, ports))
    overdue = _is_overdue(shard, ports, lease)
    try:
        batch = stopped(shard, provider, lease)
    except ProviderError as error:
        if error.ambiguous and not overdue:
            return going_on
        raise
    if batch is None and may_show_yet(shard, ports, lease):
        return not_found(shard)
    if batch is not None and not batch.status.is_terminal:
        # Taken up again, it looks for its end first.
        return _cancelled(shard) if overdue else going_on
    result = ended(shard, batch, provider, ports, lease)
    # It has not ended before its answers were looked for.
    return result if result.item.order.batch else _cancelled(result.item)


def _cancelled(shard: Shard) -> StageResult[Shard]:
    left = replace(shard.order, ended=0, turned_away=0)
    return Advance(replace(shard, stage=ShardStage.CANCELLED, order=left), answered=Asked.CANCEL)


def _is_overdue(shard: Shard, ports: Ports, lease: Lease[Shard]) -> bool:
    """Whether the batch should have ended long ago."""
    limit_s = WINDOW_S + deadlines_of(shard.spec.account, ports.settings).cancel_s
    return shard.order.since is not None and lease.now - shard.order.since > limit_s


def _interval_s(shard: Shard, ports: Ports) -> float:
    return ports.settings.account(shard.spec.account)[1].limits.poll_interval_s


def _with_intent(shard: Shard, ports: Ports, lease: Lease[Shard]) -> Shard:
    return _ordered(shard, purchase=Purchase(shard.order.purchase.n, new_intent(ports, lease)))


def _ordered(shard: Shard, **changes: Any) -> Shard:
    return replace(shard, order=replace(shard.order, **changes))
