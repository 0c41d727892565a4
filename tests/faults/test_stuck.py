"""A row where nothing goes on fails soon, and says how things stand."""

import os
import signal
from pathlib import Path
from unittest.mock import PropertyMock, patch

import pytest
from tests.faults.orders import orders
from tests.faults.site import Site
from tests.faults.stuck import StuckError
from tests.faults.workers import RUNS


def test_a_stuck_row_tells_items_and_logs(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        (run,) = site.submit(orders(1))
        with (
            patch.object(Site, "patience_s", PropertyMock(return_value=0.2)),
            pytest.raises(StuckError) as stuck,
        ):
            site.await_end()
        assert "waited 0 s: all runs should end" in str(stuck.value)
        assert "runs: {'submitted': 1}" in str(stuck.value)
        assert f"run:{run} is submitted, due in -" in str(stuck.value)
        (worker,) = site.workers.start(RUNS)
        os.kill(worker.child.pid, signal.SIGKILL)
        with pytest.raises(StuckError, match="a worker ended by itself") as fallen:
            site.await_that("pigs should fly", lambda: False)
        assert f"{worker.child.command.log} (ended with signal SIGKILL):" in str(fallen.value)
