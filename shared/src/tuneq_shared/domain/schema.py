"""The version of what the store keeps, and the way there from each former one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tuneq_shared.domain.item import ItemId, Kind

Step = Callable[[Kind, dict[str, Any]], dict[str, Any]]
"""Makes of what one version wrote what the next would have written.

It is given the fixed part and the document of an item one by one, for each keeps the version that
wrote it, and fields at their default are absent: it changes what it finds, and leaves the rest.
"""

STEPS: tuple[Step, ...] = ()
"""The first leads from version 1 to 2, and so on.

A field that changes its name, type, default or meaning needs a step; a new one with a default does
not. The documents kept under tests/shared/documents tell whether one is missing.
"""

SCHEMA = 1 + len(STEPS)
"""The version that is written."""


class NewerSchemaError(ValueError):
    """What a newer tuneq wrote: this one must not touch it, and another worker can."""


def brought_up(
    item: ItemId, part: Mapping[str, Any], steps: Sequence[Step] = STEPS
) -> dict[str, Any]:
    """A fixed part or document as the present version has it, without its version.

    What has none was written before fixed parts had one, by version 1.

    Raises:
        NewerSchemaError: it is newer than this program.
        ValueError: its version is none.
    """
    fields, newest = dict(part), 1 + len(steps)
    version = fields.pop("v", 1)
    if not isinstance(version, int) or version < 1:
        raise ValueError(f"{item} has a version that is none: {version!r}")
    if version > newest:
        raise NewerSchemaError(
            f"{item} was written by a newer tuneq (schema {version}, here {newest}): "
            "update this one"
        )
    for step in steps[version - 1 :]:
        fields = step(item.kind, fields)
    return fields
