"""An evaluation that somebody waits for."""

import uuid

import click

from tuneq_producer.client import Client
from tuneq_producer.views.loading import loaded
from tuneq_producer.views.polling import looks
from tuneq_producer.views.shard_bar import shard_bar
from tuneq_producer.views.shard_progress import ShardProgress
from tuneq_shared.domain.account import AccountState, account_id
from tuneq_shared.domain.evaluation import Evaluation, EvaluationSpec
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import AccountStage, EvaluationStage, is_terminal
from tuneq_shared.errors import NotFoundError
from tuneq_shared.evaluations import join_evaluation
from tuneq_shared.ports.items import Creation
from tuneq_shared.steering import unsteered

_INTERVAL_S = 0.5
_TAKEN_UP_AGAIN = (EvaluationStage.CANCELLED, EvaluationStage.INCOMPLETE)


def await_evaluation(
    client: Client, spec: EvaluationSpec, timeout_s: float | None
) -> tuple[Evaluation, bool]:
    """Ask for an evaluation and return it when it has ended, and whether it had before.

    Whoever stops waiting leaves it, so that it is cancelled if nobody else wants it.

    Raises:
        TimeoutPassedError: it did not end in time.
        NotFoundError: it vanished meanwhile.
    """
    item, subscriber = Evaluation.item_of(spec.fingerprint()), f"cmd:{uuid.uuid4().hex}"
    try:
        creation = join_evaluation(client.items, client.archive, spec, subscriber, _TAKEN_UP_AGAIN)
        evaluation = _read(client, item)
        if is_terminal(Kind.EVALUATION, evaluation.stage):
            return evaluation, creation is Creation.EXISTS
        if evaluation.spec.mode != spec.mode:
            words = f"it was asked for before, in mode {evaluation.spec.mode}; --fresh asks anew"
            click.echo(unsteered(f"warning: {words}"), err=True)
        return _wait(client, evaluation, timeout_s), False
    finally:
        client.items.leave(item, subscriber)  # of no harm once it has ended


def _wait(client: Client, evaluation: Evaluation, timeout_s: float | None) -> Evaluation:
    shards = ShardProgress(client)
    with shard_bar() as show:
        for _ in looks(_INTERVAL_S, timeout_s, "the evaluation"):
            evaluation = _read(client, evaluation.item)
            if is_terminal(Kind.EVALUATION, evaluation.stage):
                break
            done, total = shards.look([evaluation]).get(evaluation.id, (0, 0))
            stage = evaluation.stage + (" in batches" if evaluation.spec.mode == "batch" else "")
            show(_why_not(client, evaluation.spec.account) or stage, done, total)
    return evaluation


def _read(client: Client, item: ItemId) -> Evaluation:
    (record,) = client.catalogue.read([item])
    if record is None:
        raise NotFoundError(f"{item} is gone", hint="run the command again")
    return loaded(record, Evaluation)


def _why_not(client: Client, account: str) -> str:
    (record,) = client.catalogue.read([account_id(account)])
    if record is None or record.stage != AccountStage.STOPPED:
        return ""
    failure = loaded(record, AccountState).failure
    return f"account {account} is stopped: {failure.message if failure else 'no reason given'}"
