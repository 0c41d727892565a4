"""The second pass over the rows: runs are created, many at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from tuneq_producer.client import Client
from tuneq_producer.manifest.row import Row
from tuneq_producer.submission.planning import Plan, resolved
from tuneq_shared.errors import ConflictError, InvalidInputError
from tuneq_shared.intake import Door, conflict, new_run
from tuneq_shared.ports.items import Creation, NewItem

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one row."""

    run: str
    name: str
    group: str
    created: bool  # false: the run was there already
    refusal: ConflictError | None = None


def create_runs(
    rows: Iterable[Row], plan: Plan, client: Client, door: Door
) -> Iterator[list[Made]]:
    """Create a run for each row, in order; each answer is about some hundred rows.

    Dying in between does no harm: whoever submits the same rows again gets the same runs.

    Raises:
        InvalidInputError: the rows are not those of the plan any more.
    """
    source = iter(rows)
    while chunk := list(islice(source, _CHUNK)):
        new = [_planned(row, plan, client, door) for row in chunk]
        answers = client.items.create(new)
        yield [_made(each, answer) for each, answer in zip(new, answers, strict=True)]


def _planned(row: Row, plan: Plan, client: Client, door: Door) -> NewItem:
    new = new_run(resolved(row, client.settings, door))
    _, digest = plan.runs.get(new.item.key, (0, b""))
    if digest.hex() != new.digest:
        raise InvalidInputError(
            row.told("changed while the manifest was submitted"),
            hint="submit it again: what was created meanwhile is not created twice",
        )
    return new


def _made(new: NewItem, answer: Creation) -> Made:
    refusal = conflict(new, answer)
    return Made(new.item.key, new.name, new.group, answer is Creation.CREATED, refusal)
