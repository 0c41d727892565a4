"""From a stage's answer to the write that ends the step."""

from dataclasses import replace

from tuneq_shared.domain.account import AccountState
from tuneq_shared.domain.deployment import Deployment
from tuneq_shared.domain.evaluation import Evaluation, Shard
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import Kind
from tuneq_shared.domain.lifecycle import (
    DeploymentStage,
    EvaluationStage,
    RunStage,
    ShardStage,
    UploadStage,
    is_terminal,
)
from tuneq_shared.domain.record import Item, ItemT, document
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.upload import Upload
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.ports.items import Commit, Park
from tuneq_worker.ports.stage import Advance, Fail, Hold, Sleep, StageResult, Wait
from tuneq_worker.recovery import rested
from tuneq_worker.stages.hold import HELD_LOOK_S

SLOT_FALLBACK_S = 600.0
"""After which one who stands in line for a slot looks again by itself."""


_RELEASE_AGAIN_S = 300.0


def to_commit(result: StageResult[ItemT], before: ItemT, now: float) -> Commit:
    """The write for an answer to the item as it was before, at the Redis time `now`."""
    item = result.item
    match result:
        case Advance(event=event, take=take, free=free, answered=answered):
            return Commit(
                stage=item.stage,
                doc=document(_settled(item, before, now, None)),
                event=event,
                delay_s=SLOT_FALLBACK_S if take else 0.0,
                take=take,
                free=free,
                job=_bought(item, before),
                answered=answered,
            )
        case Wait(delay_s=delay_s, waiting=waiting, event=event, refused=refused, free=free):
            return Commit(
                stage=item.stage,
                doc=document(_settled(item, before, now, waiting)),
                event=event,
                delay_s=delay_s,
                take=refused,
                refused=refused is not None,
                free=free,
            )
        case Sleep(on=on, waiting=waiting, mark=mark, event=event):
            return Commit(
                stage=item.stage,
                doc=document(_asleep(_settled(item, before, now, waiting))),
                event=event,
                park=Park(on, mark),
                job=_bought(item, before),
            )
        case Fail(failure=failure, job_ended=False) if may_have_live_job(item):
            # Its job may go on and cost money: it has not ended before somebody has looked.
            return to_commit(Hold(item, f"{failure.code}: {failure.message}"), before, now)
        case Fail(failure=failure):
            return _ended_badly(item, failure, before, now)
        case Hold(reason=reason, free=free):
            held = _held(item, reason)
            return Commit(
                stage=held.stage,
                doc=document(held),
                event=f"held: {reason}",
                delay_s=HELD_LOOK_S,
                free=free,
            )


def _ended_badly(item: Item, failure: Failure, before: Item, now: float) -> Commit:
    if isinstance(item, Deployment) and item.may_stand:
        return _removed_first(item, failure)
    ended = _failed(item, failure)
    return Commit(
        stage=ended.stage,
        doc=document(_settled(ended, before, now, None)),
        event=f"{failure.code}: {failure.message}",
    )


def _removed_first(deployment: Deployment, failure: Failure) -> Commit:
    """It has not failed before it is removed, and that is tried for ever."""
    again = deployment.stage is DeploymentStage.RELEASING
    if not again:
        deployment = replace(deployment, failure=failure, attempts=0)
    releasing = replace(deployment, stage=DeploymentStage.RELEASING)
    delay_s = _RELEASE_AGAIN_S if again else 0.0
    return Commit(stage=releasing.stage, doc=document(releasing), delay_s=delay_s)


def _settled(item: Item, before: Item, now: float, waiting: Waiting | None) -> Item:
    if not isinstance(item, Run):
        return item
    if item.stage != before.stage:
        item = replace(item, attempts={})
    finished_at = now if is_terminal(Kind.RUN, item.stage) else None
    return replace(item, waiting=waiting, finished_at=finished_at)


def _bought(item: Item, before: Item) -> str:
    if not isinstance(item, Run) or before.stage is not RunStage.CREATING:
        return ""
    return (item.stage is RunStage.TRAINING and item.job_id) or ""


def may_have_live_job(item: Item) -> bool:
    """Whether a job of a run may be going on, unless it was seen to have ended."""
    if not isinstance(item, Run):
        return False
    return item.stage in {RunStage.TRAINING, RunStage.CANCELLING} or item.may_have_job


def _failed(item: Item, failure: Failure) -> Item:
    failure = replace(failure, stage=failure.stage or item.stage)
    match item:
        case Run():
            return replace(item, stage=RunStage.FAILED, failure=failure)
        case Evaluation():
            incomplete = replace(item, stage=EvaluationStage.INCOMPLETE, failure=failure)
            return replace(incomplete, attempts=0, deploying=False)
        case Upload():
            return replace(item, stage=UploadStage.FAILED, failure=failure, attempts=0)
        case Deployment():
            return replace(item, stage=DeploymentStage.FAILED, failure=failure, attempts=0)
        case Shard():
            # What was answered before is kept: it was paid for.
            answered = replace(item.counts, errored=0)
            counts = replace(answered, errored=item.stop - item.start - answered.samples)
            order = replace(item.order, ended=0, turned_away=0)
            ended = replace(item, stage=ShardStage.DONE, failure=failure, attempts=0)
            return replace(ended, counts=counts, order=order)
        case AccountState():
            raise TypeError("an account does not end; its sweep waits or stops")


def _held(item: Item, reason: str) -> Run:
    if not isinstance(item, Run):
        raise TypeError(f"only runs are held, not {item.item}")
    waiting = Waiting(WaitKind.OPERATOR, item.id, reason)
    # Released, it gets as many tries again.
    return replace(item, stage=RunStage.HELD, held_from=item.stage, waiting=waiting, attempts={})


def _asleep(item: Item) -> Item:
    return rested(item) if isinstance(item, Run) else item
