"""Releasing held runs, with a decision about the jobs that may be theirs."""

from collections.abc import Sequence

from tuneq_producer.client import Client
from tuneq_producer.operating import Deed
from tuneq_producer.views.loading import loaded
from tuneq_shared.domain.choice import Choice
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.record import Record
from tuneq_shared.domain.run import Run
from tuneq_shared.errors import InvalidInputError
from tuneq_shared.ports.items import Asked

_ENDED_BADLY = {RunStage.FAILED, RunStage.CANCELLED}


def ask_release(
    client: Client, records: Sequence[Record], *, job: str | None = None, anew: bool = False
) -> list[Deed]:
    """Ask it of held runs alone.

    Args:
        client: whose items are asked.
        records: the runs, in order.
        job: the candidate that is the run's job.
        anew: no candidate that the run has now is its job. With neither, it looks again.

    Raises:
        InvalidInputError: the job is not a candidate.
    """
    decided = [_decide(record, job, anew=anew) for record in records]
    choices = {
        record.item: choice
        for record, choice in zip(records, decided, strict=True)
        if isinstance(choice, Choice)
    }
    asked = dict(zip(choices, client.items.ask(choices, Asked.RELEASE, choices), strict=True))
    return [
        each if isinstance(each, Deed) else _deed(record, each, asked[record.item])
        for record, each in zip(records, decided, strict=True)
    ]


def _decide(record: Record, job: str | None, *, anew: bool) -> Choice | Deed:
    """What to ask with the release, or why it is not asked."""
    if job is None and record.stage != RunStage.HELD:
        return _not_held(record)
    run = loaded(record, Run)
    if job is not None:
        if job in {run.job_id, run.chosen}:
            return Deed(f"goes by {job} already")
        if job not in run.candidates or record.stage != RunStage.HELD:
            raise InvalidInputError(
                f"{job} is not a candidate of run {record.item.key}, which is {run.stage}",
                hint=f"its candidates: {', '.join(run.candidates) or 'none'}",
            )
        return Choice(adopts=job)
    if anew and not run.candidates:
        return Deed("has no candidates: release it without --new", possible=False)
    return Choice(disowns=run.candidates if anew else ())


def _deed(record: Record, choice: Choice, asked: bool) -> Deed:
    if not asked:
        return Deed("is not held any more")
    if record.asked == Asked.CANCEL:
        return Deed("is held, and to be cancelled", possible=False)
    if choice.adopts:
        return Deed(f"released: its job is {choice.adopts}", changed=True)
    if choice.disowns:
        return Deed(f"released to buy anew: not its: {', '.join(choice.disowns)}", changed=True)
    return Deed("released", changed=True)


def _not_held(record: Record) -> Deed:
    if record.stage in _ENDED_BADLY:
        return Deed(f"has ended: {record.stage}; see `tuneq retry`", possible=False)
    return Deed(f"is not held: it is {record.stage}")
