"""Items to and from what the store keeps: a fixed part, written once, and a document."""

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter

from tuneq_shared.domain.account import AccountState
from tuneq_shared.domain.evaluation import Evaluation, Shard
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.upload import Upload

Item = Run | Evaluation | Shard | Upload | AccountState
ItemT = TypeVar("ItemT", Run, Evaluation, Shard, Upload, AccountState)

SCHEMA = 1
"""Version of the documents, written into each; a reader refuses what is newer."""

_TYPES: dict[Kind, type[Item]] = {
    Kind.RUN: Run,
    Kind.EVALUATION: Evaluation,
    Kind.SHARD: Shard,
    Kind.UPLOAD: Upload,
    Kind.ACCOUNT: AccountState,
}
_ADAPTERS: dict[Kind, TypeAdapter[Any]] = {k: TypeAdapter(t) for k, t in _TYPES.items()}
# Written once at creation, so that a commit does not write it again.
_FIXED: dict[Kind, set[str]] = {
    Kind.RUN: {"request", "created_at"},
    Kind.EVALUATION: {"spec"},
    Kind.SHARD: {"spec", "evaluation", "index", "start", "stop"},
    Kind.UPLOAD: {"account", "digest"},
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
    position: int | None = None  # in the line for a slot


def fixed_part(item: Item) -> dict[str, Any]:
    """What is written once."""
    kind = item.item.kind
    return dict(
        _ADAPTERS[kind].dump_python(
            item, mode="json", include=_FIXED[kind] - {"created_at"}, exclude_defaults=True
        )
    )


def document(item: Item) -> dict[str, Any]:
    """What changes, without fields at their default."""
    kind = item.item.kind
    doc = _ADAPTERS[kind].dump_python(
        item, mode="json", exclude=_FIXED[kind] | _APART, exclude_defaults=True
    )
    return {"v": SCHEMA, **doc}


def load(record: Record, kind_type: type[ItemT]) -> ItemT:
    """The item that a record holds.

    Raises:
        ValueError: the document is newer than this program, or damaged.
    """
    doc = dict(record.doc)
    version = doc.pop("v", SCHEMA)
    if version > SCHEMA:
        raise ValueError(
            f"{record.item} was written by a newer tuneq (schema {version}, here {SCHEMA}): "
            "update this worker"
        )
    fields: dict[str, Any] = {
        **record.fixed,
        **doc,
        "id": record.item.key,
        "stage": record.stage,
    }
    if record.item.kind is Kind.RUN:
        fields["created_at"] = record.created_at
    item = _ADAPTERS[record.item.kind].validate_python(fields, strict=False)
    if not isinstance(item, kind_type):
        raise TypeError(f"{record.item} is not a {kind_type.__name__}")
    return item
