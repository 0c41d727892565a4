"""Runs are created, many at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from tuneq_producer.client import Client
from tuneq_shared.errors import ConflictError
from tuneq_shared.intake import conflict
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


def create_runs(runs: Iterable[NewItem], client: Client) -> Iterator[list[Made]]:
    """Create runs, in order; each answer is about some hundred.

    Dying in between does no harm: whoever submits the same rows again gets the same runs.
    """
    source = iter(runs)
    while new := list(islice(source, _CHUNK)):
        answers = client.items.create(new)
        yield [_made(each, answer) for each, answer in zip(new, answers, strict=True)]


def _made(new: NewItem, answer: Creation) -> Made:
    refusal = conflict(new, answer)
    return Made(new.item.key, new.name, new.group, answer is Creation.CREATED, refusal)
