"""The order in which a worker stops."""

import threading
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.mark.parametrize("step", ["DoorStep", "HousekeepingStep", "ModelsStep"])
def test_the_tasks_in_hand_are_told_before_anything_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEQ_CONFIG", raising=False)
    app = import_module("tuneq_worker.app")  # here, for it reads the configuration
    stopping, told = threading.Event(), []
    world = SimpleNamespace(ports=SimpleNamespace(stopping=stopping))
    monkeypatch.setattr(app, "world", lambda: world)
    stops = getattr(app, step)(SimpleNamespace())
    stops._thread = SimpleNamespace(stop=lambda: told.append(stopping.is_set()))
    stops.stop(SimpleNamespace())
    assert told == [True]
    stops.stop(SimpleNamespace())
    assert told == [True], "it has stopped already"
