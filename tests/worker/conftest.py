"""What the worker's tests of commands share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.worker.openai_support import Asked, Reply, configured_lab

OpenLab = Callable[[str, Callable[[Asked], Reply]], Path]


@pytest.fixture
def open_lab(
    redis_url: str, store_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenLab]:
    """Gives the configuration of a worker that has the key of a scripted account."""
    with ExitStack() as opened:

        def opening(name: str, answer: Callable[[Asked], Reply]) -> Path:
            lab = configured_lab(
                name,
                answer,
                redis_url=redis_url,
                store_prefix=store_prefix,
                folder=tmp_path,
                monkeypatch=monkeypatch,
            )
            return opened.enter_context(lab)

        yield opening
