"""A small dose of every row of the fault bench."""

from pathlib import Path

import pytest
from tests.faults.table import ROWS, Row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_must_hold_holds(row: Row, tmp_path: Path) -> None:
    result, _ = row.run(tmp_path / row.name, scale=0.0)
    assert result.is_ok, "\n".join(result.broken)
