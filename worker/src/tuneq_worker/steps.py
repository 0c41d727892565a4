"""One step of an item: claim it, let its stage decide, commit the decision."""

import logging
from dataclasses import replace
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tuneq_shared.domain.account import AccountState, account_id
from tuneq_shared.domain.evaluation import Evaluation, Shard
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import AccountStage, RunStage
from tuneq_shared.domain.record import Item, document, fixed_part, load
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.upload import Upload
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.errors import ConfigurationError, IllegalTransitionError, StaleClaimError
from tuneq_shared.ports.items import Asked, NewItem
from tuneq_worker.commits import to_commit
from tuneq_worker.lease import ClaimLease
from tuneq_worker.marks import KEY_MARK, STOPPED_MARK
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.ports.stage import Advance, Fail, Ports, Sleep, StageResult, Wait
from tuneq_worker.recovery import attempts, recover, with_attempt
from tuneq_worker.stage_table import ITEM_TYPES, STAGES

log = logging.getLogger(__name__)

_FAULT_DELAY_S = 5.0
_FAULT_ATTEMPTS = 5
_UNPAID = {RunStage.SUBMITTED, RunStage.PREPARING, RunStage.UPLOADING, RunStage.CREATING}
_OWN_RULES = {RunStage.CANCELLING, RunStage.HELD}  # stages that a stopped account does not stop


def step(ports: Ports, item_id: ItemId) -> str | None:
    """Do one step of an item; the name of the task that goes on with it at once, if any.

    A step whose lease was lost leaves nothing behind: somebody else has the item now.
    """
    claim = ports.items.claim(item_id, ports.settings.lease_s)
    if claim is None:
        return None
    item = load(claim.record, ITEM_TYPES[item_id.kind])
    lease = ClaimLease[Any](ports.items, claim, ports.settings.lease_s)
    try:
        result = _decide(item, ports, lease)
        try:
            due_now = ports.items.commit(claim, to_commit(result, item, claim.now))
        except IllegalTransitionError as error:
            log.exception("%s: a fault in stage %s", item_id, item.stage)
            result = _faulted(lease.saved or item, error)
            due_now = ports.items.commit(claim, to_commit(result, item, claim.now))
    except StaleClaimError as error:
        log.warning("%s", error)
        return None
    if result.item.stage != item.stage:
        log.info("%s: %s -> %s", item_id, item.stage, result.item.stage)
    if not due_now:
        return None
    known = STAGES.get((item_id.kind, result.item.stage))
    return known[0] if known else None


def _decide(item: Any, ports: Ports, lease: ClaimLease[Any]) -> StageResult[Any]:
    cancels = isinstance(item, Run) and item.stage is not RunStage.CANCELLING
    if cancels and lease.asked is Asked.CANCEL:
        return Advance(replace(item, stage=RunStage.CANCELLING), "cancel asked")
    stands_still = _stopped_account(item, ports)
    if stands_still is not None:
        return stands_still
    _, function = STAGES[item.item.kind, item.stage]
    try:
        return function(item, ports, lease)  # type: ignore[no-any-return]  # the table's one seam
    except (StaleClaimError, RedisConnectionError, RedisTimeoutError):
        raise  # nothing can be written now: the item is due again when its lease has run out
    # What the stage has saved must not be undone: it says what may have been bought or sent.
    except ProviderError as error:
        return recover(lease.saved or item, _account(item), error)
    except ConfigurationError as error:
        waiting = Waiting(WaitKind.ACCOUNT, _account(item), error.message)
        return Sleep(lease.saved or item, account_id(_account(item)), waiting, KEY_MARK)
    except Exception as error:  # a fault of ours must not make an item vanish or spin for ever
        log.exception("%s: a fault in stage %s", item.item, item.stage)
        return _faulted(lease.saved or item, error)


def _faulted(item: Any, error: Exception) -> StageResult[Any]:
    words = f"{type(error).__name__}: {error}"
    if attempts(item) >= _FAULT_ATTEMPTS and not isinstance(item, AccountState):
        return Fail(item, Failure("internal_error", words, item.stage))
    waiting = Waiting(WaitKind.RETRY, str(item.item), words)
    return Wait(with_attempt(item), _FAULT_DELAY_S, waiting)


def _stopped_account(item: Any, ports: Ports) -> StageResult[Any] | None:
    """Every item of a stopped account sleeps on it; what is unpaid fails where it is for good."""
    if isinstance(item, AccountState):
        return None
    (record,) = ports.catalogue.read([account_id(_account(item))])
    if record is None:
        # Nothing sleeps on what is not there: an item would be due again at once, for ever.
        ports.items.create([_new_account(_account(item))])
        return None
    if record.stage != AccountStage.STOPPED or item.stage in _OWN_RULES:
        return None
    account = load(record, AccountState)
    failure = account.failure or Failure("stopped", "stopped")
    unpaid = isinstance(item, Upload) or (isinstance(item, Run) and item.stage in _UNPAID)
    if account.refused_for_good and unpaid:
        return Fail(item, failure)
    waiting = Waiting(WaitKind.ACCOUNT, account.id, f"{failure.code}: {failure.message}")
    return Sleep(item, account.item, waiting, STOPPED_MARK)


def _new_account(name: str) -> NewItem:
    state = AccountState(id=name, stage=AccountStage.ACTIVE)
    return NewItem(item=state.item, stage=state.stage, fixed=fixed_part(state), doc=document(state))


def _account(item: Item) -> str:
    if isinstance(item, Evaluation | Shard):
        return item.spec.account
    return item.id if isinstance(item, AccountState) else item.account
