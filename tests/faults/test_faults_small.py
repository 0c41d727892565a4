"""A small dose of every row of the fault bench."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.faults.table import ROWS, Row
from tests.faults.verdict import Result

AT_ONCE = 2  # rows: they wait more than they work

Play = Callable[[Row], Result]


@pytest.fixture(scope="module")
def play(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Play]:
    """Gives a row's result; all that were asked for are played ahead, in their order."""
    folder = tmp_path_factory.mktemp("faults")
    here = [item for item in request.session.items if item.path == request.path]
    asked = {item.callspec.id for item in here if isinstance(item, pytest.Function)}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = {
            row.name: pool.submit(row.run, folder / row.name, 0.0)
            for row in ROWS
            if row.name in asked
        }
        try:
            yield lambda row: results[row.name].result()[0]
        finally:
            for result in results.values():
                result.cancel()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_must_hold_holds(row: Row, play: Play) -> None:
    result = play(row)
    assert result.is_ok, "\n".join(result.broken)
