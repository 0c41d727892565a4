"""The servers that the contract is put to."""

from collections.abc import Iterator

import pytest
from tests.contracts.benches import DIALECTS, bench_of
from tests.contracts.provider_benches import Bench

from tuneq_worker.ports.provider import Provider


@pytest.fixture(scope="session", params=DIALECTS)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    with bench_of(request.param)(tmp_path_factory.mktemp(request.param)) as bench:
        yield bench


@pytest.fixture
def bench(running: Bench) -> Bench:
    running.behave()
    return running


@pytest.fixture
def provider(bench: Bench) -> Provider:
    return bench.provider()
