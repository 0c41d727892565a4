"""Items to and from what the store keeps: a fixed part, written once, and a document."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter

from tuneq_shared.domain.account import AccountState
from tuneq_shared.domain.choice import Choice
from tuneq_shared.domain.deployment import Deployment
from tuneq_shared.domain.evaluation import Evaluation, Shard
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.schema import SCHEMA, STEPS, Step, brought_up
from tuneq_shared.domain.upload import Upload
from tuneq_shared.domain.waiting import Place

Item = Run | Evaluation | Shard | Upload | Deployment | AccountState
ItemT = TypeVar("ItemT", Run, Evaluation, Shard, Upload, Deployment, AccountState)

_TYPES: dict[Kind, type[Item]] = {
    Kind.RUN: Run,
    Kind.EVALUATION: Evaluation,
    Kind.SHARD: Shard,
    Kind.UPLOAD: Upload,
    Kind.DEPLOYMENT: Deployment,
    Kind.ACCOUNT: AccountState,
}
_ADAPTERS: dict[Kind, TypeAdapter[Any]] = {k: TypeAdapter(t) for k, t in _TYPES.items()}
# Written once at creation, so that a commit does not write it again.
_FIXED: dict[Kind, set[str]] = {
    Kind.RUN: {"request", "created_at"},
    Kind.EVALUATION: {"spec"},
    Kind.SHARD: {"spec", "evaluation", "index", "start", "stop"},
    Kind.UPLOAD: {"account", "digest", "purchase"},
    Kind.DEPLOYMENT: {"account", "model"},
    Kind.ACCOUNT: set(),
}
_APART = {"id", "stage"}  # fields of the record itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An item as the store keeps it."""

    item: ItemId
    stage: str
    fixed: dict[str, Any]
    doc: dict[str, Any]
    created_at: float  # Redis time, seconds
    due_at: float | None = None  # Redis time, seconds; none while parked or ended
    parked_on: ItemId | None = None
    asked: str | None = None  # cancel or release, if somebody asked for it
    choice: Choice | None = None  # with a release: what to do about the candidates
    place: Place | None = None  # in the line for a slot
    unreadable: str = ""  # why nothing else of it is known


UNREADABLE = "unreadable"
"""The stage of a record that says nothing but why it cannot be read."""


def unreadable_record(item: ItemId, why: str) -> Record:
    """What a catalogue shows in place of an item that it cannot read."""
    return Record(item=item, stage=UNREADABLE, fixed={}, doc={}, created_at=0.0, unreadable=why)


def fixed_part(item: Item) -> dict[str, Any]:
    """What is written once."""
    kind = item.item.kind
    fixed = _ADAPTERS[kind].dump_python(
        item, mode="json", include=_FIXED[kind] - {"created_at"}, exclude_defaults=True
    )
    return {"v": SCHEMA, **fixed}


def document(item: Item) -> dict[str, Any]:
    """What changes, without fields at their default."""
    kind = item.item.kind
    doc = _ADAPTERS[kind].dump_python(
        item, mode="json", exclude=_FIXED[kind] | _APART, exclude_defaults=True
    )
    return {"v": SCHEMA, **doc}


def load(record: Record, kind_type: type[ItemT], steps: Sequence[Step] = STEPS) -> ItemT:
    """The item that a record holds, whichever version wrote it.

    A fixed part may be older than its document, which every commit writes anew.

    Raises:
        NewerSchemaError: a part of it is newer than this program.
        ValueError: a part of it is damaged.
    """
    if record.unreadable:
        raise ValueError(record.unreadable)
    fields: dict[str, Any] = {
        **brought_up(record.item, record.fixed, steps),
        **brought_up(record.item, record.doc, steps),
        "id": record.item.key,
        "stage": record.stage,
    }
    if record.item.kind is Kind.RUN:
        fields["created_at"] = record.created_at
    item = _ADAPTERS[record.item.kind].validate_python(fields, strict=False)
    if not isinstance(item, kind_type):
        raise TypeError(f"{record.item} is not a {kind_type.__name__}")
    return item
