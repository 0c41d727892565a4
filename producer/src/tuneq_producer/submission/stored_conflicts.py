"""Conflicts with runs that are stored already, found before anything is created."""

from collections.abc import Iterable, Iterator
from itertools import islice

from tuneq_producer.submission.planning import SHOWN_FAULTS, Plan
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.record import load
from tuneq_shared.domain.run import Run
from tuneq_shared.errors import ConflictError
from tuneq_shared.ports.catalogue import Catalogue

_CHUNK = 500


def refuse_conflicts(plan: Plan, catalogue: Catalogue) -> None:
    """Compare the plan with the stored runs that it could collide with, and with no others.

    Raises:
        ConflictError: an idempotency key stands for another request, or a name for another run.
    """
    faults = list(islice(_conflicts(plan, catalogue), SHOWN_FAULTS))
    if faults:
        raise ConflictError(
            "\n".join(faults),
            hint="use another name, group or idempotency key; see `tuneq show RUN`",
        )


def stored_runs(plan: Plan, catalogue: Catalogue) -> set[str]:
    """Those of the plan's runs that are there already, archived ones included."""
    here = plan.runs.keys() & set(catalogue.run_ids())
    return here | catalogue.archived_among(plan.runs.keys() - here)


def _conflicts(plan: Plan, catalogue: Catalogue) -> Iterator[str]:
    for run in _runs(sorted(stored_runs(plan, catalogue)), catalogue):
        number, digest = plan.runs[run.id]
        if run.request.digest() != digest.hex():
            yield (
                f"{_row(plan, number)}the idempotency key was used with another request, "
                f"which is run {run.id}"
            )
    names = {group: catalogue.names(group) for group in catalogue.groups() if group in plan.groups}
    for (group, name), (number, _) in plan.names.items():
        other = names.get(group, {}).get(name)
        if other is not None and other not in plan.runs:
            yield (
                f"{_row(plan, number)}group {group} has another run of the name {name}, "
                f"which is run {other}"
            )


def _runs(ids: Iterable[str], catalogue: Catalogue) -> Iterator[Run]:
    source = iter(ids)
    while chunk := list(islice(source, _CHUNK)):
        for record in catalogue.read([ItemId(Kind.RUN, run) for run in chunk]):
            # What cannot be read is told from another by its digest when the run is created.
            if record is not None and not record.unreadable:
                yield load(record, Run)


def _row(plan: Plan, number: int) -> str:
    return f"row {number}: " if plan.rows > 1 else ""
