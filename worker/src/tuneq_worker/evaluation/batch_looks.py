"""Looking for a batch, and believing that there is none."""

import logging

from tuneq_shared.domain.evaluation import Shard
from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.evaluation.batch_end import LOOKS
from tuneq_worker.ports.batches import Batch, BatchStatus
from tuneq_worker.ports.provider import Provider, ProviderError
from tuneq_worker.ports.stage import Lease, Ports

log = logging.getLogger(__name__)

_FILES_LAST_S = 30 * 86_400.0  # so long a batch has its files; an older one is of no use
_IN_VAIN = {BatchStatus.FAILED, BatchStatus.CANCELLED}


def find(shard: Shard, provider: Provider, lease: Lease[Shard]) -> Batch | None:
    """The batch of the present purchase, before it is bought for the first time as after."""
    every = _listed(shard, provider, lease)
    found = [batch for batch in every if batch.status not in _IN_VAIN] or every
    if len(found) > 1:
        log.warning("%s: several batches bear %s", shard.item, shard.purchase_name)
    return found[0] if found else None


def look(shard: Shard, provider: Provider, lease: Lease[Shard]) -> Batch | None:
    """The batch that is followed; none if it is neither found nor listed."""
    try:
        return provider.batch(shard.order.batch or "")
    except ProviderError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
    listed = _listed(shard, provider, lease)
    return next((batch for batch in listed if batch.id == shard.order.batch), None)


def stopped(shard: Shard, provider: Provider, lease: Lease[Shard]) -> Batch | None:
    """The batch after its cancel was asked; none if it is neither found nor listed."""
    try:
        return provider.cancel_batch(shard.order.batch or "")
    except ProviderError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
    return look(shard, provider, lease)


def may_show_yet(shard: Shard, ports: Ports, lease: Lease[Shard]) -> bool:
    """Whether one that is not found is looked for again."""
    young = lease.now - (shard.order.since or 0.0) < ports.settings.purchase_grace_s
    return young or shard.attempts < LOOKS


def _listed(shard: Shard, provider: Provider, lease: Lease[Shard]) -> list[Batch]:
    intent = shard.order.purchase.intent_at
    since = lease.now - _FILES_LAST_S if intent is None else intent
    return provider.find_batches(shard.purchase_name, shard.order.file or "", since)
