from datetime import UTC, datetime
from typing import Any

import pytest

from tuneq_shared.room import too_many

DAYS = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]


@pytest.mark.parametrize(
    "written",
    [
        lambda time: {"mtime": time.timestamp()},
        lambda time: {"LastModified": time},
        lambda time: {"updated": time.isoformat()},
    ],
    ids=["local", "s3", "gcs"],
)
@pytest.mark.parametrize(
    ("room", "gone"),
    [(30, []), (29, ["old"]), (10, ["old", "newer"]), (0, ["old", "newer", "new"])],
)
def test_the_oldest_go_until_there_is_room(written: Any, room: int, gone: list[str]) -> None:
    files = [
        {"name": name, "type": "file", "size": 10, **written(day)}
        for name, day in zip(("old", "newer", "new"), DAYS, strict=True)
    ]
    folder = {"name": "folder", "type": "directory", "size": 99}
    assert list(too_many([*reversed(files), folder], room)) == gone
