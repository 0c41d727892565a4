"""The pass over the rows: all of them must be sound before anything is made of one."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from tuneq_producer.manifest.row import Row
from tuneq_producer.submission.wishes import (
    FileSet,
    Scoring,
    Training,
    file_set,
    scorings,
    training,
)
from tuneq_shared.domain.request import FineTuneRequest
from tuneq_shared.end_dates import models_of
from tuneq_shared.errors import InvalidInputError, NotFoundError
from tuneq_shared.intake import Door, new_run, parse_request, resolve
from tuneq_shared.ports.items import NewItem
from tuneq_shared.settings import Settings

SHOWN_FAULTS = 20


@dataclass(slots=True)
class Plan:
    """What the rows come to: what is kept of a row takes some dozens of bytes."""

    rows: int = 0
    runs: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Row and digest of each run's request, by the run's id."""
    names: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    """Row and run of each name in a group."""
    groups: Counter[str] = field(default_factory=Counter)
    """Runs by group."""
    accounts: Counter[str] = field(default_factory=Counter)
    """Runs by account."""
    models: dict[str, set[str]] = field(default_factory=dict)
    """Base models and baselines by account."""
    files: dict[FileSet, str] = field(default_factory=dict)
    """The files that go together, and the place of the first row that names them so."""
    trainings: Counter[Training] = field(default_factory=Counter)
    """Runs that train alike."""
    places: dict[Training, str] = field(default_factory=dict)
    """The place of the first row that trains so."""
    evaluated: int = 0
    """Runs that are evaluated."""
    scorers: set[str] = field(default_factory=set)
    """How their answers are judged."""
    scorings: Counter[Scoring] = field(default_factory=Counter)
    """Evaluations that cost alike; one that runs share counts once."""
    shared: set[str] = field(default_factory=set)
    """Baselines that are counted already."""


def make_plan(
    rows: Iterable[Row], settings: Settings, door: Door, keep: Callable[[NewItem], None]
) -> Plan:
    """Go through all rows, and find what is wrong with each and between them.

    The run of each sound row is handed to `keep`, to be created when all are known to be sound.

    Raises:
        InvalidInputError: the first faults, each with its row; or there are no rows.
    """
    plan, faults = Plan(), list[str]()
    hint = ""
    for row in rows:
        plan.rows += 1
        try:
            keep(_take(plan, _resolved(row, settings, door), row))
        except (InvalidInputError, NotFoundError) as error:
            faults.append(row.told(error.message))
            hint = hint or error.hint
            if len(faults) == SHOWN_FAULTS:
                faults.append(f"and maybe more: shown are the first {SHOWN_FAULTS}")
                break
    if faults:
        raise InvalidInputError("\n".join(faults), hint=hint)
    if not plan.rows:
        raise InvalidInputError("the manifest is empty", hint="write one request a row")
    return plan


def _resolved(row: Row, settings: Settings, door: Door) -> FineTuneRequest:
    """The request of a row, as it is to be stored."""
    if row.fault or isinstance(row.value, str):
        raise InvalidInputError(row.fault or "a text where a request is expected")
    return resolve(parse_request(row.value, settings.max_request_bytes), settings, door)


def _take(plan: Plan, request: FineTuneRequest, row: Row) -> NewItem:
    new = new_run(request)
    run, digest = new.item.key, bytes.fromhex(new.digest)
    for fault in _conflicts(plan, request, run, digest):
        raise InvalidInputError(fault, hint="give each request its own name and idempotency key")
    if run in plan.runs:
        return new
    plan.runs[run] = (plan.rows, digest)
    plan.names[request.group, request.name or run] = (plan.rows, run)
    plan.groups[request.group] += 1
    account = request.account or ""
    plan.accounts[account] += 1
    for asked, models in models_of(request).items():
        plan.models.setdefault(asked, set()).update(models)
    plan.evaluated += request.evaluation is not None
    if request.evaluation is not None:
        plan.scorers.add(request.evaluation.scorer)
    plan.files.setdefault(file_set(request), row.place)
    alike = training(request)
    plan.trainings[alike] += 1
    plan.places.setdefault(alike, row.place)
    for scoring, shared in scorings(request):
        if shared in plan.shared:
            continue
        plan.scorings[scoring] += 1
        if shared:
            plan.shared.add(shared)
    return new


def _conflicts(plan: Plan, request: FineTuneRequest, run: str, digest: bytes) -> Iterator[str]:
    number, known = plan.runs.get(run, (0, digest))
    if known != digest:
        yield f"row {number} has the same idempotency key and another content"
    name = request.name or run
    number, other = plan.names.get((request.group, name), (0, run))
    if other != run:
        yield f"row {number} has the same name, {name}, in group {request.group}"
