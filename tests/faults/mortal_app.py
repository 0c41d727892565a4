"""`celery -A tests.faults.mortal_app`: tuneq's application, in which one side effect is deadly.

TUNEQ_BENCH_ORDERS is a folder. Every side effect of a step is written to the file `effects` there,
by kind, stage and name. The file `order` says once what is to happen before or after one of them:
`kill before run creating: create_job 1`. Whoever obeys it removes it.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.worker.mortal import CALLS, ITEMS, SLOTS, Mortal, MortalData

from tuneq_shared.domain.item import ItemId
from tuneq_shared.ports.items import Claim
from tuneq_worker.app import app, world
from tuneq_worker.bootstrap import World

__all__ = ["app"]

ORDERS = "TUNEQ_BENCH_ORDERS"
EFFECTS, ORDER = "effects", "order"


class CrashError(Exception):
    """A fault in a stage, made by order."""


class Step(threading.local):
    """What this thread is at; other threads, such as the dispatcher's, are at nothing."""

    place = ""
    done: Counter[str]


class Obedience:
    """Tells every side effect and does as ordered."""

    def __init__(self, folder: Path) -> None:
        self._effects = folder / EFFECTS
        self._order = folder / ORDER
        self._step = Step()

    def begin(self, claim: Claim) -> None:
        self._step.place = f"{claim.item.kind} {claim.record.stage}"
        self._step.done = Counter()

    @contextmanager
    def strikes(self, name: str, *args: Any) -> Iterator[None]:
        if not self._step.place:
            yield
            return
        with self.around(f"{self._step.place}: {self._detail(name, args)}"):
            yield

    @contextmanager
    def around(self, effect: str) -> Iterator[None]:
        with self._effects.open("a") as told:
            told.write(f"{effect}\n")
        self._obey(f"before {effect}")
        yield
        self._obey(f"after {effect}")

    def _detail(self, name: str, args: tuple[Any, ...]) -> str:
        if name == "commit":
            _, commit = args
            return "commit, asleep" if commit.park else f"commit, {commit.stage}"
        self._step.done[name] += 1
        return f"{name} {self._step.done[name]}"

    def _obey(self, moment: str) -> None:
        try:
            deed, _, ordered = self._order.read_text().partition(" ")
            if ordered != moment:
                return
            self._order.unlink()
        except FileNotFoundError:  # there is none, or another thread obeys it
            return
        if deed == "crash":
            raise CrashError(moment)
        # To this very thread: it must not come a step further while others are being stopped.
        signal.pthread_kill(
            threading.get_ident(), signal.SIGKILL if deed == "kill" else signal.SIGSTOP
        )


class MortalItems(Mortal):
    """The store, whose claims tell what a thread is at."""

    def __init__(self, inner: Any, obedience: Obedience) -> None:
        super().__init__(inner, obedience, ITEMS)
        self._obedience = obedience

    def claim(self, item: ItemId, lease_s: float) -> Claim | None:
        claim: Claim | None = self._inner.claim(item, lease_s)
        if claim is not None:
            self._obedience.begin(claim)
        return claim


class MortalProvider(Mortal):
    """A provider that is deadly to buy from, to send to and to ask."""

    def __init__(self, inner: Any, obedience: Obedience) -> None:
        super().__init__(inner, obedience, CALLS)
        self._obedience = obedience

    @asynccontextmanager
    async def open_chat(self, in_flight: int) -> AsyncIterator["MortalChat"]:
        async with self._inner.open_chat(in_flight) as chat:
            yield MortalChat(chat, self._obedience)


class MortalChat:
    """A line whose every question may be the last."""

    def __init__(self, inner: Any, obedience: Obedience) -> None:
        self._inner = inner
        self._obedience = obedience

    async def complete(self, *args: Any) -> Any:
        # Any of them; only shards ask, on whatever thread.
        with self._obedience.around("shard pending: complete"):
            return await self._inner.complete(*args)


class MortalAccounts(Mortal):
    """The accounts, each with such a provider."""

    def __init__(self, inner: Any, obedience: Obedience) -> None:
        super().__init__(inner, obedience, frozenset())
        self._obedience = obedience

    def provider(self, name: str) -> Any:
        return MortalProvider(self._inner.provider(name), self._obedience)


def make_mortal(this: World, obedience: Obedience) -> None:
    """Make every side effect of a world deadly."""
    # First, for whatever else the world is made of holds them.
    vars(this)["accounts"] = MortalAccounts(this.accounts, obedience)
    ports = this.ports
    vars(this)["ports"] = replace(
        ports,
        items=MortalItems(ports.items, obedience),
        slots=Mortal(ports.slots, obedience, SLOTS),
        data=MortalData(ports.data.url, obedience),
    )


make_mortal(world(), Obedience(Path(os.environ[ORDERS])))
