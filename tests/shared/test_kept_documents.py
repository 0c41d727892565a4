"""Documents as former programs wrote them: today's reads each, and finds the same in it.

A file holds a record and what it means, field by field. Where one of these tests fails because a
field has another name, type, default or meaning now, what Redis and the archive hold from before
would be misread, too: leave the file, and append a step to `tuneq_shared.domain.schema.STEPS`.
Where a new field is missing, add it to the file of the present version, or keep a new file.
"""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from tuneq_shared.domain.account import AccountState
from tuneq_shared.domain.deployment import Deployment
from tuneq_shared.domain.evaluation import Evaluation, Shard
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.record import Item, Record, document, fixed_part, load
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.schema import SCHEMA, brought_up
from tuneq_shared.domain.upload import Upload

FOLDER = Path(__file__).parent / "documents"
KEPT = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
TYPES: dict[Kind, Any] = {
    Kind.RUN: Run,
    Kind.EVALUATION: Evaluation,
    Kind.SHARD: Shard,
    Kind.UPLOAD: Upload,
    Kind.DEPLOYMENT: Deployment,
    Kind.ACCOUNT: AccountState,
}


def record(kept: dict[str, Any]) -> Record:
    parts = {name: kept[name] for name in ("stage", "fixed", "doc", "created_at")}
    return Record(item=ItemId.parse(kept["item"]), **parts)


def read(kept: dict[str, Any]) -> Item:
    item: Item = load(record(kept), TYPES[record(kept).item.kind])
    return item


def told(item: Item) -> Any:
    return TypeAdapter(type(item)).dump_python(item, mode="json")


def lacks(known: Any, now: Any, place: str = "") -> list[str]:
    """Where what was known is no longer so; what came to it since does not count."""
    if isinstance(known, dict) and isinstance(now, dict):
        return [
            fault
            for name, part in known.items()
            for fault in lacks(part, now.get(name, "nothing"), f"{place}.{name}")
        ]
    if isinstance(known, list) and isinstance(now, list) and len(known) == len(now):
        pairs = enumerate(zip(known, now, strict=True))
        return [fault for n, (old, new) in pairs for fault in lacks(old, new, f"{place}.{n}")]
    return [] if known == now else [f"{place}: was {known}, is {now}"]


@pytest.mark.parametrize("name", KEPT)
def test_it_is_read_as_what_it_meant(name: str) -> None:
    assert lacks(KEPT[name]["means"], told(read(KEPT[name]))) == []


@pytest.mark.parametrize("name", [name for name in KEPT if KEPT[name]["doc"]["v"] == SCHEMA])
def test_it_is_written_as_it_was(name: str) -> None:
    item = read(KEPT[name])
    assert fixed_part(item) == {"v": SCHEMA, **KEPT[name]["fixed"]}
    assert document(item) == KEPT[name]["doc"]


@pytest.mark.parametrize("kind", Kind)
def test_every_field_of_every_kind_is_kept(kind: Kind) -> None:
    of_kind = [kept for kept in KEPT.values() if record(kept).item.kind is kind]
    assert {kept["doc"]["v"] for kept in of_kind} == set(range(1, SCHEMA + 1))
    present = [kept for kept in of_kind if kept["doc"]["v"] == SCHEMA]
    written = {"id", "stage", "created_at"}
    for kept in present:
        written |= {*kept["fixed"], *kept["doc"]}
    new = {field.name for field in fields(TYPES[kind])} - written
    assert not new, f"add to v{SCHEMA}-{kind}.json, where it is written and what it means: {new}"


def renamed(kind: Kind, part: dict[str, Any]) -> dict[str, Any]:
    """A step such as a program might need: uploads called their digest otherwise."""
    if kind is Kind.UPLOAD and "sha256" in part:
        part["digest"] = part.pop("sha256")
    return part


def counted_twice(kind: Kind, part: dict[str, Any]) -> dict[str, Any]:
    """Another: sends were counted by halves."""
    if kind is Kind.UPLOAD and "sends" in part:
        part["sends"] = 2 * part["sends"]
    return part


STEPS = (renamed, counted_twice)


@pytest.mark.parametrize("fixed_version", [None, 1, 2, 3])
@pytest.mark.parametrize("version", [None, 1, 2, 3])
def test_each_part_takes_the_steps_that_it_has_not_taken(
    version: int | None, fixed_version: int | None
) -> None:
    old = fixed_version in {None, 1}
    fixed = {"account": "a", "sha256" if old else "digest": "00ff"}
    doc = {"sends": 4 if version == 3 else 2}
    record = Record(
        item=ItemId(Kind.UPLOAD, "a/00ff"),
        stage="sent",
        fixed=fixed | ({"v": fixed_version} if fixed_version else {}),
        doc=doc | ({"v": version} if version else {}),
        created_at=1.0,
    )
    upload = load(record, Upload, STEPS)
    assert (upload.digest, upload.sends) == ("00ff", 4)
    assert "sha256" not in document(upload)
    assert record.fixed.get("v") == fixed_version, "what was read is left as it is"


@pytest.mark.parametrize("part", ["fixed", "doc"])
@pytest.mark.parametrize(
    ("version", "reason"), [(4, "newer tuneq"), (99, "newer tuneq"), (0, "none"), ("1", "none")]
)
def test_what_is_newer_or_has_no_sound_version_is_not_read(
    part: str, version: object, reason: str
) -> None:
    parts: dict[str, Any] = {"fixed": {"account": "a", "digest": "d"}, "doc": {}}
    parts[part] = {**parts[part], "v": version}
    item = ItemId(Kind.UPLOAD, "a/d")
    with pytest.raises(ValueError, match=reason):
        load(Record(item=item, stage="sent", created_at=1.0, **parts), Upload, STEPS)


def test_the_present_version_takes_no_step() -> None:
    part = {"v": SCHEMA, "a": 1}
    assert brought_up(ItemId(Kind.RUN, "r"), part) == {"a": 1}


def test_the_same_evaluation_is_found_under_the_same_id_as_ever() -> None:
    kept = read(KEPT["v1-evaluation"])
    assert isinstance(kept, Evaluation)
    assert kept.spec.fingerprint() == kept.id
    assert replace(kept.spec, prompt="{input}").fingerprint() != kept.id
    assert replace(kept.spec, system="").fingerprint() != kept.id
