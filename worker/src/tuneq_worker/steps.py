"""One step of an item: claim it, let its stage decide, commit the decision."""

import logging
from dataclasses import replace
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tuneq_shared.domain.account import AccountState, account_id
from tuneq_shared.domain.deployment import Deployment
from tuneq_shared.domain.evaluation import Evaluation, Shard
from tuneq_shared.domain.failure import ErrorKind, Failure
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import AccountStage, DeploymentStage, RunStage, is_terminal
from tuneq_shared.domain.record import Item, document, fixed_part, load
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.schema import NewerSchemaError
from tuneq_shared.domain.upload import Upload
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.errors import ConfigurationError, DataRootError, StaleClaimError
from tuneq_shared.ports.items import Asked, Claim, Commit, NewItem
from tuneq_worker.commits import to_commit
from tuneq_worker.lease import ClaimLease, elapsed_s
from tuneq_worker.marks import KEY_MARK, STOPPED_MARK
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.ports.stage import Advance, Fail, Ports, Sleep, StageResult, Wait
from tuneq_worker.recovery import attempts, recover, with_attempt
from tuneq_worker.stage_table import ITEM_TYPES, STAGES
from tuneq_worker.stages.sharing import shared_by

log = logging.getLogger(__name__)

_FAULT_DELAY_S = 5.0
_FAULT_ATTEMPTS = 5
_FAULT, _HAMPERED = "fault", "surroundings"  # what failed tries are counted under
_UNREADABLE_DELAY_S = 300.0
_UNPAID = {RunStage.SUBMITTED, RunStage.PREPARING, RunStage.UPLOADING, RunStage.CREATING}
_OWN_RULES = {RunStage.CANCELLING, RunStage.HELD}  # stages that a stopped account does not stop


def step(ports: Ports, item_id: ItemId) -> str | None:
    """Do one step of an item; the name of the task that goes on with it at once, if any.

    A step whose lease was lost leaves nothing behind: somebody else has the item now.
    """
    since = elapsed_s()
    claim = ports.items.claim(item_id, ports.settings.lease_s)
    if claim is None:
        return None
    lease = ClaimLease[Any](ports.items, claim, ports.settings.lease_s, ports.stopping, since=since)
    try:
        try:
            item = load(claim.record, ITEM_TYPES[item_id.kind])
        except ValueError as error:
            _put_off(ports, claim, lease, error)
            return None
        try:
            result = _decide(item, ports, lease)
            due_now = _committed(result, item, ports, claim)
        except (StaleClaimError, RedisConnectionError, RedisTimeoutError):
            raise  # nothing can be written now: the item is due again when its lease has run out
        except NewerSchemaError as error:  # of something shared
            _put_off(ports, claim, lease, error)
            return None
        except Exception as error:  # a fault of ours must not make an item vanish or spin for ever
            log.exception("%s: a fault in stage %s", item_id, item.stage)
            result = _faulted(lease.saved or item, error)
            due_now = _committed(result, item, ports, claim)
    except StaleClaimError as error:
        log.warning("%s", error)
        return None
    if result.item.stage != item.stage:
        log.info("%s: %s -> %s", item_id, item.stage, result.item.stage)
    if not due_now:
        return None
    known = STAGES.get((item_id.kind, result.item.stage))
    return known[0] if known else None


def _committed(result: StageResult[Any], item: Any, ports: Ports, claim: Claim) -> bool:
    commit = to_commit(result, item, claim.now)
    if is_terminal(item.item.kind, commit.stage):
        # What has ended must not keep alive what only it wanted.
        commit = replace(commit, leaves=tuple(shared_by(result.item)))
    return ports.items.commit(claim, commit)


def _put_off(ports: Ports, claim: Claim, lease: ClaimLease[Any], error: ValueError) -> None:
    log.error("%s waits for a worker that can go on: %s", claim.item, error)
    event, history = f"cannot be read: {error}", ports.catalogue.events(claim.item)
    unchanged = Commit(
        stage=claim.record.stage,
        doc=claim.record.doc if lease.saved is None else document(lease.saved),
        delay_s=_UNREADABLE_DELAY_S,
        # Once: a history is kept short, and must not be lost for this.
        event="" if history and history[-1].message == event else event,
    )
    ports.items.commit(claim, unchanged)


def _decide(item: Any, ports: Ports, lease: ClaimLease[Any]) -> StageResult[Any]:
    cancels = isinstance(item, Run) and item.stage is not RunStage.CANCELLING
    if cancels and lease.asked is Asked.CANCEL:
        cancelled = replace(item, stage=RunStage.CANCELLING, job_since=None)
        return Advance(cancelled, "cancel asked")
    stands_still = _stopped_account(item, ports, lease)
    if stands_still is not None:
        return stands_still
    _, function = STAGES[item.item.kind, item.stage]
    # What the stage has saved must not be undone: it says what may have been bought or sent.
    try:
        with lease.kept():
            return function(item, ports, lease)  # type: ignore[no-any-return]  # the one seam
    except ProviderError as error:
        return recover(lease.saved or item, _account(item), error)
    except ConfigurationError as error:
        waiting = Waiting(WaitKind.ACCOUNT, _account(item), error.message)
        return Sleep(lease.saved or item, account_id(_account(item)), waiting, KEY_MARK)
    except (DataRootError, OSError) as error:
        return _hampered(lease.saved or item, error)


def _hampered(item: Any, error: Exception) -> StageResult[Any]:
    """The surroundings are at fault, such as a data root that is away: patience."""
    return recover(item, _account(item), ProviderError(ErrorKind.SERVER, str(error)), _HAMPERED)


def _faulted(item: Any, error: Exception) -> StageResult[Any]:
    """The program is at fault: an item must neither vanish nor spin for ever."""
    words = f"{type(error).__name__}: {error}"
    if attempts(item, _FAULT) >= _FAULT_ATTEMPTS and not isinstance(item, AccountState):
        return Fail(item, Failure("internal_error", words, item.stage))
    waiting = Waiting(WaitKind.RETRY, str(item.item), words)
    return Wait(with_attempt(item, _FAULT), _FAULT_DELAY_S, waiting)


def _stopped_account(item: Any, ports: Ports, lease: ClaimLease[Any]) -> StageResult[Any] | None:
    """Every item of a stopped account sleeps on it; what is unpaid fails where it is for good."""
    if _goes_on(item, lease):
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
    if account.refused_for_good and _is_unpaid(item):
        return Fail(item, failure)
    waiting = Waiting(WaitKind.ACCOUNT, account.id, f"{failure.code}: {failure.message}")
    return Sleep(item, account.item, waiting, STOPPED_MARK)


def _goes_on(item: Item, lease: ClaimLease[Any]) -> bool:
    """Whether it looks for what it has bought, or ends, whatever the account says."""
    match item:
        case AccountState():
            return True
        case Run():
            return item.may_have_job
        case Shard() if item.may_have_batch:
            return True
        case Deployment() if item.may_stand or item.stage is DeploymentStage.RELEASING:
            return True
        case _:
            return lease.asked is Asked.CANCEL


def _is_unpaid(item: Item) -> bool:
    return isinstance(item, Upload) or (isinstance(item, Run) and item.stage in _UNPAID)


def _new_account(name: str) -> NewItem:
    state = AccountState(id=name, stage=AccountStage.ACTIVE)
    return NewItem(item=state.item, stage=state.stage, fixed=fixed_part(state), doc=document(state))


def _account(item: Item) -> str:
    if isinstance(item, Evaluation | Shard):
        return item.spec.account
    return item.id if isinstance(item, AccountState) else item.account
