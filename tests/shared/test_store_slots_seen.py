"""Slots beside jobs of others, and with leaks: as the provider's list says. On a real server."""

import uuid
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.ports.items import Claim, Commit, NewItem, Slot
from tuneq_shared.ports.slots import ActiveJob
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.items import RedisItems
from tuneq_shared.redis_store.slots import RedisSlotBook

ACCOUNT, MODEL = "account", "model"
POOL = f"{ACCOUNT}/{MODEL}"
HOUR_S = 3600.0
ROOM = 3  # jobs that the provider takes at once


class SlotMachine(RuleBasedStateMachine):
    """A provider that takes so many jobs at once, our runs, and people who buy there, too."""

    redis: Any

    def __init__(self) -> None:
        super().__init__()
        self.prefix = f"slots-{uuid.uuid4().hex}"
        self.items = RedisItems(self.redis, self.prefix)
        self.book = RedisSlotBook(self.redis, self.prefix)
        self.runs: dict[ItemId, str] = {}  # stage of each
        self.rank: dict[ItemId, tuple[int, int]] = {}
        self.jobs: dict[str, ItemId | None] = {}  # active at the provider
        self.bought: set[ItemId] = set()  # ever
        self.noted: set[ItemId | None] = set()  # seen with their metadata
        self.others = 0  # as last seen
        self.leaked: set[str] = set()
        self.settled = True  # nothing has changed since the last grant that the store cannot know

    @initialize(cap=st.sampled_from([ROOM, ROOM - 1, ROOM + 2, None]))
    def begin(self, cap: int | None) -> None:
        self.slot = Slot(POOL, cap)
        self.line_before: list[str] = []

    @rule(rank=st.integers(0, 2), count=st.integers(1, 4))
    def submit(self, rank: int, count: int) -> None:
        for _ in range(count):
            item = ItemId(Kind.RUN, f"r{len(self.runs)}")
            new = NewItem(item=item, stage="uploading", fixed={}, doc={}, group="g",
                          name=item.key, rank=rank)  # fmt: skip
            self.items.create([new])
            self.runs[item], self.rank[item] = "uploading", (rank, len(self.runs))
            self._commit(item, Commit(stage="creating", doc={}, delay_s=HOUR_S, take=self.slot))
            self._granted_in_order()

    @rule(data=st.data(), dies=st.booleans())
    def holder_buys(self, data: st.DataObject, *, dies: bool) -> None:
        able = sorted(i for i in self._held() if self.runs.get(i) == "creating")
        if able:
            self._buy(data.draw(st.sampled_from(able)), dies=dies)

    def _buy(self, item: ItemId, *, dies: bool = False) -> None:
        claim = self._claimed(item)
        assert claim.slot
        if item not in self.bought and len(self.jobs) >= ROOM:
            refused = Commit(stage="creating", doc={}, delay_s=0.001, take=self.slot, refused=True)
            self.items.commit(claim, refused)
            self.settled = False
            return
        if item not in self.bought:
            self.bought.add(item)
            self.jobs[f"job-{item.key}"] = item
        if dies:
            self._age(item)
            return
        self._finish(claim, Commit(stage="training", doc={}, delay_s=HOUR_S, job=f"job-{item.key}"))

    @rule(data=st.data())
    def refused_one_looks_again(self, data: st.DataObject) -> None:
        line = self._line()
        if line:
            item = ItemId.parse(data.draw(st.sampled_from(line)))
            if item in self.runs:
                self._age(item)
                again = Commit(stage="creating", doc={}, delay_s=HOUR_S, take=self.slot)
                self._commit(item, again)
                self._granted_in_order()

    @rule(data=st.data(), end=st.sampled_from(["collecting", "failed"]))
    def job_of_ours_ends(self, data: st.DataObject, end: str) -> None:
        able = [i for i, stage in self.runs.items() if stage == "training"]
        if able:
            self._end(data.draw(st.sampled_from(able)), end)

    def _end(self, item: ItemId, end: str) -> None:
        self.jobs.pop(f"job-{item.key}", None)
        self._age(item)
        self._commit(item, Commit(stage=end, doc={}, delay_s=HOUR_S, free=True))
        self._granted_in_order()

    @rule(count=st.integers(1, 3))
    def others_buy(self, count: int) -> None:
        for _ in range(min(count, ROOM - len(self.jobs))):
            self.jobs[f"theirs-{uuid.uuid4().hex[:6]}"] = None

    @rule()
    def jobs_of_others_end(self) -> None:
        self.jobs = {job: item for job, item in self.jobs.items() if item is not None}

    @rule(kind=st.sampled_from(["gone", "ended", "elsewhere"]))
    def slot_leaks(self, kind: str) -> None:
        item = ItemId(Kind.RUN, f"{kind}-{uuid.uuid4().hex[:6]}")
        if kind != "gone":
            stage = "failed" if kind == "ended" else "creating"
            pool = POOL if kind == "ended" else f"{ACCOUNT}/another"
            self.redis.hset(f"{self.prefix}:item:{item}", mapping={"stage": stage, "pool": pool})
        self.redis.sadd(self._key("held"), str(item))
        self.redis.sadd(f"{self.prefix}:pools", POOL)
        self.leaked.add(str(item))
        self.settled = False

    @rule()
    def one_in_line_vanishes(self) -> None:
        self.redis.sadd(f"{self.prefix}:pools", POOL)
        self.redis.zadd(self._key("line"), {f"run:ghost-{uuid.uuid4().hex[:6]}": 0})

    @rule(noted=st.booleans())
    def look(self, *, noted: bool) -> None:
        """With marks and metadata, or on an account that keeps none."""
        self._observe(by_metadata=noted)

    def _observe(self, *, by_metadata: bool) -> None:
        self._remember()
        told = {job: item if by_metadata else None for job, item in self.jobs.items()}
        self.book.observe(
            ACCOUNT, [ActiveJob(job, MODEL, item) for job, item in told.items()], HOUR_S
        )
        watched = self.book.watched(ACCOUNT)
        held = self._held()
        # Without metadata, one that no run has noted yet counts as one of others.
        if by_metadata:
            self.noted |= held & set(self.jobs.values())
        known = {i for i in held if i in self.noted or self.runs[i] == "training"}
        theirs = {job for job, item in self.jobs.items() if item not in known}
        if watched is None:  # nobody has a job or waits for a slot
            assert not self._line()
            self.others = int(self.redis.hget(self._key("seen"), "others") or 0)
        else:
            assert set(watched) == theirs
            self.others = len(theirs)
        assert not self.leaked & {str(item) for item in held}
        self.leaked = set()
        self.settled = True
        self._granted_in_order()

    @rule()
    def nobody_looks_for_long(self) -> None:
        if self.redis.exists(self._key("seen")):
            self.redis.hset(self._key("seen"), "until", 0)
            self.settled = self.settled and self.others == 0
            self.others = 0

    @rule()
    def a_period_passes(self) -> None:
        if self.redis.exists(self._key("learnt")):
            self.redis.hset(self._key("learnt"), "raise_at", 0)

    @precondition(lambda self: self.settled)
    @invariant()
    def no_slot_idle_while_somebody_waits(self) -> None:
        if any(ItemId.parse(text) in self.runs for text in self._line()):
            assert len(self._held()) + self.others >= self._cap()

    @invariant()
    def nobody_is_stranded(self) -> None:
        held, line = self._held(), self._line()
        assert not {str(item) for item in held} & set(line)
        for item, stage in self.runs.items():
            if stage == "creating":
                assert item in held or str(item) in line
                due = self.redis.zscore(f"{self.prefix}:due:runs", str(item))
                assert due is not None
                assert item not in held or float(due) <= self._now_ms()

    def _granted_in_order(self) -> None:
        """Whoever has been granted a slot since was first in line, and there was room."""
        line_before = self.line_before
        held, line = {str(item) for item in self._held()}, self._line()
        gone = [text for text in line_before if text not in line]
        found = {str(item) for item in self.jobs.values() if item}
        granted = [text for text in gone if text in held and text not in found]
        if granted:
            assert len(held) + self.others <= self._cap()
            last = max(line_before.index(text) for text in granted)
            passed = set(line_before[:last]) - set(granted) - found
            assert not {text for text in passed if ItemId.parse(text) in self.runs}
        self._remember()

    def _remember(self) -> None:
        self.line_before = self._line()

    def teardown(self) -> None:
        """With the others gone and the looks going on, every run gets its job."""
        if not hasattr(self, "slot"):
            return
        self.jobs_of_others_end()
        for _ in range(4 * len(self.runs) + 4):
            self.a_period_passes()
            self._observe(by_metadata=True)
            for item in sorted(self._held()):
                if self.runs[item] == "creating":
                    self._buy(item)
            for item, stage in list(self.runs.items()):
                if stage == "training":
                    self._end(item, "collecting")
        left = {i: s for i, s in self.runs.items() if s not in {"collecting", "failed"}}
        assert not left
        for key in self.redis.scan_iter(f"{self.prefix}:*"):
            self.redis.delete(key)

    def _commit(self, item: ItemId, commit: Commit) -> None:
        self._remember()
        self._finish(self._claimed(item), commit)

    def _finish(self, claim: Claim, commit: Commit) -> None:
        self.items.commit(claim, commit)
        self.runs[claim.item] = commit.stage

    def _claimed(self, item: ItemId) -> Claim:
        claim = self.items.claim(item, HOUR_S)
        assert claim is not None
        return claim

    def _age(self, item: ItemId) -> None:
        """Its lease has run out, its wait is over."""
        self.redis.hdel(f"{self.prefix}:item:{item}", "lease")
        self.redis.hset(f"{self.prefix}:item:{item}", "next", 0)
        self.redis.zadd(f"{self.prefix}:due:runs", {str(item): 0})

    def _held(self) -> set[ItemId]:
        return set(map(ItemId.parse, self.redis.smembers(self._key("held"))))

    def _line(self) -> list[str]:
        return list(self.redis.zrange(self._key("line"), 0, -1))

    def _cap(self) -> float:
        learnt = self.redis.hget(self._key("learnt"), "cap")
        caps = [cap for cap in (self.slot.cap, learnt and int(learnt)) if cap is not None]
        return min(caps, default=float("inf"))

    def _key(self, what: str) -> str:
        return f"{self.prefix}:slots:{POOL}:{what}"

    def _now_ms(self) -> float:
        seconds, micros = self.redis.time()
        return float(seconds * 1000 + micros / 1000)


def test_slots_are_what_the_list_says_whatever_happens(redis_url: str) -> None:
    with connect(redis_url) as SlotMachine.redis:
        run_state_machine_as_test(
            SlotMachine,
            settings=settings(
                max_examples=12,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )
