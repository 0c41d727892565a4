"""Dying at a chosen side effect, as an exception that nothing but a test catches."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tests.worker.fakes import FakeAccounts, World
from tests.worker.mortal import CALLS, ITEMS, SLOTS, Mortal, MortalData

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
    def strikes(self, name: str, *_: Any) -> Iterator[None]:
        with self._lock:
            mine = len(self.seen)
            self.seen.append(name)
        if mine == self.at and not self.after:
            raise KilledError(name)
        yield
        if mine == self.at and self.after:
            raise KilledError(name)


def mortal(world: World, death: Death) -> Ports:
    """The world's ports, deadly in every side effect."""
    accounts = FakeAccounts(world.provider)
    accounts.given = Mortal(world.provider, death, CALLS)
    return replace(
        world.ports,
        items=Mortal(world.ports.items, death, ITEMS),
        slots=Mortal(world.ports.slots, death, SLOTS),
        data=MortalData(world.ports.data.url, death),
        accounts=accounts,
    )


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


def deaths(unharmed: Death) -> Iterator[Death]:
    """Before each side effect, which is also after the one before it; and after those on money."""
    for place, name in enumerate(unharmed.seen):
        yield Death(place)
        if name in CALLS or place == len(unharmed.seen) - 1:
            yield Death(place, after=True)
