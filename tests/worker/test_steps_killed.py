"""Killed between any two side effects: nothing is lost, and nothing is bought twice."""

import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from tests.worker.fakes import MODEL, FakeAccounts, World

from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.evaluation import Evaluation
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import EvaluationStage, RunStage
from tuneq_shared.domain.record import load
from tuneq_shared.ports.items import Asked
from tuneq_worker.ports.provider import JobStatus
from tuneq_worker.ports.stage import Ports


class KilledError(BaseException):
    """As if the process had died here."""


class Death:
    """Counts side effects, and kills at the chosen one, before or after it is carried out."""

    def __init__(self, at: int | None = None, *, after: bool = False) -> None:
        self.at = at
        self.after = after
        self.seen: list[str] = []
        self._lock = threading.Lock()

    @contextmanager
    def strikes(self, name: str) -> Iterator[None]:
        with self._lock:
            mine = len(self.seen)
            self.seen.append(name)
        if mine == self.at and not self.after:
            raise KilledError(name)
        yield
        if mine == self.at and self.after:
            raise KilledError(name)


class Mortal:
    """A port some of whose calls are deadly."""

    def __init__(self, inner: Any, death: Death, deadly: frozenset[str]) -> None:
        self._inner = inner
        self._death = death
        self._deadly = deadly

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        if name not in self._deadly:
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            if args == ([],):  # of nothing there is no effect
                return attribute(*args, **kwargs)
            with self._death.strikes(name):
                return attribute(*args, **kwargs)

        return call


class MortalData(DataRoot):
    """A data root that is deadly to write."""

    def __init__(self, url: str, death: Death) -> None:
        super().__init__(url)
        self._death = death

    @contextmanager
    def write(self, path: str) -> Iterator[BinaryIO]:
        with self._death.strikes(f"write {path}"), super().write(path) as file:
            yield file


_ITEMS = frozenset({"save", "commit", "join", "create", "ask", "wake", "leave", "revive"})
_CALLS = frozenset({"create_job", "upload", "cancel_job"})


def mortal(world: World, death: Death) -> Ports:
    """The world's ports, deadly in every side effect."""
    accounts = FakeAccounts(world.provider)
    accounts.given = Mortal(world.provider, death, _CALLS)
    return replace(
        world.ports,
        items=Mortal(world.ports.items, death, _ITEMS),
        data=MortalData(world.ports.data.url, death),
        accounts=accounts,
    )


NewWorld = Callable[[], World]


@pytest.fixture
def new_world(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewWorld:
    # A process that dies takes nothing with it that was written: only a machine does.
    monkeypatch.setattr(os, "fsync", lambda _: None)

    def make() -> World:
        name = uuid.uuid4().hex
        return World(redis_url, f"test-{name}", tmp_path / name)

    return make


def live_until_killed(world: World, death: Death, ends: Callable[[], bool]) -> None:
    ports = mortal(world, death)
    for _ in range(80):
        if ends():
            return
        try:
            world.round(ports)
        except KilledError:
            return
    raise AssertionError("neither ended nor killed")


def check_bought_once(world: World, runs: list[ItemId]) -> None:
    jobs = Counter(job.purchase for job in world.provider.jobs.values())
    assert jobs == {f"{item.key}/0": 1 for item in runs}
    names = Counter(name for name, _ in world.provider.contents.values())
    assert set(names.values()) == {1}
    assert world.slots() == (set(), [])


def test_a_run_survives_death_at_any_side_effect(new_world: NewWorld) -> None:
    unharmed = Death()
    _live_a_run(new_world(), unharmed)
    assert len(unharmed.seen) > 50
    for death in _deaths(unharmed):
        _live_a_run(new_world(), death)


def _deaths(unharmed: Death) -> Iterator[Death]:
    """Before each side effect, which is also after the one before it; and after those on money."""
    for place, name in enumerate(unharmed.seen):
        yield Death(place)
        if name in {"create_job", "upload", "cancel_job"} or place == len(unharmed.seen) - 1:
            yield Death(place, after=True)


def _live_a_run(world: World, death: Death) -> None:
    world.provider.first_status = JobStatus.RUNNING
    world.provider.course = [JobStatus.RUNNING, JobStatus.SUCCEEDED]
    runs = [world.submit(**world.with_evaluation(name)) for name in ("one", "two")]
    live_until_killed(world, death, lambda: all(map(world.ended, runs)))
    try:
        world.drive_to_end(*runs)
        for item in runs:
            run = world.run(item)
            assert run.stage is RunStage.SUCCEEDED, run.failure
            assert [asked.model for asked in run.asked] == [f"ft:{item.key}/0", MODEL]
        check_bought_once(world, runs)
        evaluations = [load(record, Evaluation) for record in world.items_of(Kind.EVALUATION)]
        assert len(evaluations) == 3
        for evaluation in evaluations:
            assert evaluation.stage is EvaluationStage.DONE
            assert evaluation.counts.samples == 5
            assert (evaluation.counts.correct, evaluation.counts.wrong) == (3, 2)
            with world.ports.data.read(evaluation.artifact or "") as file:
                assert len(file.readlines()) == 5
    except AssertionError as error:
        name = death.seen[death.at] if death.at is not None else "never"
        error.add_note(f"killed at {death.at}: {name}, after: {death.after}")
        raise


def test_death_after_the_purchase_while_the_listing_is_late(new_world: NewWorld) -> None:
    unharmed = Death()
    _buy(new_world(), unharmed)
    bought = unharmed.seen.index("create_job")
    for death in (Death(bought, after=True), Death(bought + 1)):
        world = new_world()
        item = _buy(world, death)
        world.provider.hidden.update(world.provider.jobs)
        for _ in range(5):
            world.round(grace=False)
        assert world.provider.count("create_job") == 1
        world.provider.hidden.clear()
        world.drive_to_end(item)
        assert world.run(item).stage is RunStage.SUCCEEDED
        check_bought_once(world, [item])


def _buy(world: World, death: Death) -> ItemId:
    item = world.submit()
    live_until_killed(world, death, lambda: world.ended(item))
    return item


def test_a_cancel_survives_death_at_any_side_effect(new_world: NewWorld) -> None:
    unharmed = Death()
    _cancel_in_training(new_world(), unharmed)
    assert "cancel_job" in unharmed.seen
    for death in _deaths(unharmed):
        _cancel_in_training(new_world(), death)


def _cancel_in_training(world: World, death: Death) -> None:
    world.provider.cancels_at_once = False
    item = world.submit(**world.with_evaluation("one"))
    world.drive_to(item, RunStage.TRAINING)
    assert world.ports.items.ask([item], Asked.CANCEL) == [True]
    live_until_killed(world, death, lambda: world.ended(item))
    world.drive_to_end(item)
    assert world.run(item).stage is RunStage.CANCELLED, death.at
    assert all(job.status.is_terminal for job in world.provider.jobs.values())
    check_bought_once(world, [item])
