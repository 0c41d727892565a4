"""Whatever is dropped, killed or late: no item is ever lost. Shown on a real server."""

import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tuneq_shared.domain.item import PARKING_ORDER, ItemId, Kind, Queue
from tuneq_shared.domain.lifecycle import TRANSITIONS, is_terminal
from tuneq_shared.errors import IllegalTransitionError, StaleClaimError
from tuneq_shared.ports.items import Asked, Claim, Commit, Creation, NewItem, Park, Slot
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.items import RedisItems

CAP = 2
POOL = "account/model"
FIRST_STAGE = {
    Kind.RUN: "submitted",
    Kind.EVALUATION: "pending",
    Kind.UPLOAD: "pending",
    Kind.SHARD: "pending",
    Kind.DEPLOYMENT: "pending",
    Kind.ACCOUNT: "active",
}
HOUR_S = 3600.0


class StoreMachine(RuleBasedStateMachine):
    """Workers that claim, die, commit late and park, against one model of what must hold."""

    url: str

    def __init__(self) -> None:
        super().__init__()
        self.prefix = f"machine-{uuid.uuid4().hex}"
        self.redis: Any = connect(self.url)
        self.items = RedisItems(connect(self.url), self.prefix)
        self.known: dict[ItemId, str] = {}
        self.live: dict[ItemId, Claim] = {}
        self.woken: set[ItemId] = set()

    ids = Bundle("ids")
    claims = Bundle("claims")

    @initialize(target=ids)
    def begin(self) -> Any:
        kinds = [Kind.RUN] * 5 + [Kind.EVALUATION, Kind.UPLOAD, Kind.ACCOUNT]
        return multiple(*map(self._created, kinds))

    @rule(target=ids, kind=st.sampled_from(Kind))
    def create(self, kind: Kind) -> ItemId:
        return self._created(kind)

    def _created(self, kind: Kind) -> ItemId:
        item = ItemId(kind, uuid.uuid4().hex[:8])
        new = NewItem(
            item=item,
            stage=FIRST_STAGE[kind],
            fixed={},
            doc={},
            digest="d",
            group="g" if kind is Kind.RUN else "",
            name=item.key,
        )
        assert self.items.create([new, new]) == [Creation.CREATED, Creation.EXISTS]
        self.known[item] = new.stage
        return item

    @rule(queue=st.sampled_from(Queue), limit=st.integers(1, 5))
    def hints_are_sent_and_lost(self, queue: Queue, limit: int) -> None:
        for item, stage in self.items.due(queue, limit, HOUR_S):
            assert item.queue is queue
            assert self.known[item] == stage

    @rule(target=claims, item=ids)
    def claim(self, item: ItemId) -> Any:
        return self._claimed(item) or multiple()

    @rule(item=ids)
    def time_passes_for(self, item: ItemId) -> None:
        """The lease of a dead worker runs out, or a wait ends."""
        self._age(item)
        self.live.pop(item, None)

    @rule(item=ids)
    def wake(self, item: ItemId) -> None:
        self.items.wake([item])
        if item in self.live:
            self.woken.add(item)
        elif not self._ended(item):
            due = self._due(item)
            assert due is not None
            assert due <= self._now_ms()

    @rule(item=ids)
    def cancel_is_asked(self, item: ItemId) -> None:
        assert self.items.ask([item], Asked.CANCEL) == [not self._ended(item)]
        if item in self.live:
            self.woken.add(item)

    @rule(claim=claims)
    def late_commit(self, claim: Claim) -> None:
        """By a worker that may have lost its lease long ago."""
        self._commit(claim, Commit(stage=self.known[claim.item], doc={"n": 1}))

    @rule(item=ids, delay=st.sampled_from([0.0, HOUR_S]))
    def wait(self, item: ItemId, delay: float) -> None:
        if claim := self._hold(item):
            self._commit(claim, Commit(stage=self.known[item], doc={"n": 1}, delay_s=delay))

    @rule(item=ids, data=st.data())
    def advance(self, item: ItemId, data: st.DataObject) -> None:
        if claim := self._hold(item):
            stage = data.draw(st.sampled_from(sorted(TRANSITIONS[item.kind][self.known[item]])))
            self._commit(claim, Commit(stage=stage, doc={"n": 2}))

    @rule(item=ids)
    def end(self, item: ItemId) -> None:
        legal = TRANSITIONS[item.kind].get(self.known[item], frozenset())
        ends = sorted(stage for stage in legal if is_terminal(item.kind, stage))
        if ends and (claim := self._hold(item)):
            self._commit(claim, Commit(stage=ends[0], doc={}))

    @rule(item=ids, on=ids)
    def park(self, item: ItemId, on: ItemId) -> None:
        if not (claim := self._hold(item)):
            return
        commit = Commit(stage=self.known[item], doc={"n": 3}, park=Park(on, "mark"))
        if PARKING_ORDER.index(on.kind) <= PARKING_ORDER.index(item.kind):
            with pytest.raises(ValueError, match="circle"):
                self.items.commit(claim, commit)
            return
        self._commit(claim, commit)

    @rule(item=ids, what=st.sampled_from(["take", "take", "refused", "free"]))
    def slot(self, item: ItemId, what: str) -> None:
        if item.kind is not Kind.RUN or not (claim := self._hold(item)):
            return
        take = None if what == "free" else Slot(POOL, CAP)
        commit = Commit(
            stage=self.known[item],
            doc={},
            delay_s=HOUR_S,
            take=take,
            refused=what == "refused",
            free=what == "free",
        )
        self._commit(claim, commit)

    @rule(item=ids, delay=st.sampled_from([0.0, HOUR_S]))
    def woken_while_at_work(self, item: ItemId, delay: float) -> None:
        if self._hold(item):
            self.wake(item)
            self.wait(item, delay)

    @rule(item=ids, on=ids)
    def parks_on_what_has_just_ended(self, item: ItemId, on: ItemId) -> None:
        if self._hold(item):
            self.end(on)
            self.park(item, on)

    @rule(what=st.lists(st.sampled_from(["take", "take", "free", "end"]), min_size=4, max_size=8))
    def all_want_slots(self, what: list[str]) -> None:
        runs = [item for item in self.known if item.kind is Kind.RUN]
        for item, step in zip(runs, what, strict=False):
            self._age(item)
            self.live.pop(item, None)
            if step == "end":
                self.end(item)
            else:
                self.slot(item, step)

    @rule(item=ids)
    def illegal_stage(self, item: ItemId) -> None:
        if claim := self._hold(item):
            with pytest.raises(IllegalTransitionError):
                self.items.commit(claim, Commit(stage="nowhere", doc={}))

    @rule(claim=claims)
    def save_and_renew(self, claim: Claim) -> None:
        if self._holds(claim):
            self.items.save(claim, {"n": 4})
            self.items.renew(claim, HOUR_S)
            return
        with pytest.raises(StaleClaimError):
            self.items.save(claim, {"n": 4})
        with pytest.raises(StaleClaimError):
            self.items.renew(claim, HOUR_S)

    @invariant()
    def every_unfinished_item_will_be_looked_at(self) -> None:
        for item, stage in self.known.items():
            due, parked = self._due(item), self._field(item, "parked")
            assert self._field(item, "stage") == stage
            if is_terminal(item.kind, stage):
                assert due is None
                assert parked is None
            elif parked is None:
                assert due is not None
            else:
                assert due is None
                on = ItemId.parse(parked)
                assert not self._ended(on)
                assert PARKING_ORDER.index(on.kind) > PARKING_ORDER.index(item.kind)
                assert str(item) in self.redis.hgetall(f"{self.prefix}:parked:{on}")

    @invariant()
    def no_slot_too_many_and_none_idle(self) -> None:
        held = self.redis.smembers(f"{self.prefix}:slots:{POOL}:held")
        line = self.redis.zrange(f"{self.prefix}:slots:{POOL}:line", 0, -1)
        learnt = self.redis.hget(f"{self.prefix}:slots:{POOL}:learnt", "cap")
        assert len(held) <= CAP
        assert not set(held) & set(line)
        assert not any(self._ended(ItemId.parse(text)) for text in [*held, *line])
        if line and learnt is None:
            assert len(held) == CAP
        for text in held:
            item = ItemId.parse(text)
            if self._field(item, "parked") is None:
                assert self._due(item) is not None

    @invariant()
    def stages_are_counted(self) -> None:
        counted = {s: int(n) for s, n in self.redis.hgetall(f"{self.prefix}:counts").items()}
        stages = [stage for item, stage in self.known.items() if item.kind is Kind.RUN]
        assert {s: n for s, n in counted.items() if n} == {s: stages.count(s) for s in set(stages)}

    def teardown(self) -> None:
        """Ticking the dispatcher alone finishes every item that can end."""
        finishing = [i for i in self.known if i.kind is not Kind.ACCOUNT and not self._ended(i)]
        for _ in range(8 * len(PARKING_ORDER)):
            finishing = [item for item in finishing if not self._ended(item)]
            if not finishing:
                break
            for item in self.known:
                self._age(item)
            self.live.clear()
            self._tick()
        assert not finishing
        for key in self.redis.scan_iter(f"{self.prefix}:*"):
            self.redis.delete(key)

    def _tick(self) -> None:
        for queue in Queue:
            for item, _ in self.items.due(queue, 1000, HOUR_S):
                claim = self.items.claim(item, HOUR_S)
                assert claim is not None
                stage = self.known[item]
                if item.kind is Kind.ACCOUNT:
                    self.items.wake(self.items.parked_on(item))
                    self.items.commit(claim, Commit(stage=stage, doc={}, delay_s=HOUR_S))
                    continue
                to = sorted(
                    TRANSITIONS[item.kind][stage], key=lambda s: not is_terminal(item.kind, s)
                )
                self.items.commit(claim, Commit(stage=to[0], doc={}))
                self.known[item] = to[0]

    def _commit(self, claim: Claim, commit: Commit) -> None:
        item = claim.item
        if not self._holds(claim):
            before = self.redis.hgetall(f"{self.prefix}:item:{item}")
            with pytest.raises(StaleClaimError):
                self.items.commit(claim, commit)
            assert self.redis.hgetall(f"{self.prefix}:item:{item}") == before
            return
        due_now = self.items.commit(claim, commit)
        del self.live[item]
        self.known[item] = commit.stage
        if item in self.woken and not is_terminal(item.kind, commit.stage):
            assert due_now, "a wake-up was lost"
        due = self._due(item)
        assert due_now == (due is not None and due <= self._now_ms())

    def _hold(self, item: ItemId) -> Claim | None:
        """The live claim on an item, or a new one where it is due."""
        return self.live.get(item) or self._claimed(item)

    def _claimed(self, item: ItemId) -> Claim | None:
        claim = self.items.claim(item, HOUR_S)
        if claim is not None:
            assert item not in self.live
            assert not self._ended(item)
            assert claim.record.stage == self.known[item]
            self.live[item] = claim
            self.woken.discard(item)
        return claim

    def _holds(self, claim: Claim) -> bool:
        held = self.live.get(claim.item)
        return held is not None and held.token == claim.token

    def _age(self, item: ItemId) -> None:
        """As if hours had passed for this item alone: its lease has run out, its wait is over."""
        key = f"{self.prefix}:item:{item}"
        if self._due(item) is None:
            return
        self.redis.hdel(key, "lease")
        self.redis.hset(key, "next", 0)
        self.redis.zadd(f"{self.prefix}:due:{item.queue.value}", {str(item): 0})

    def _ended(self, item: ItemId) -> bool:
        return is_terminal(item.kind, self.known[item])

    def _due(self, item: ItemId) -> float | None:
        score = self.redis.zscore(f"{self.prefix}:due:{item.queue.value}", str(item))
        return None if score is None else float(score)

    def _now_ms(self) -> float:
        seconds, micros = self.redis.time()
        return float(seconds * 1000 + micros / 1000)

    def _field(self, item: ItemId, name: str) -> str | None:
        value = self.redis.hget(f"{self.prefix}:item:{item}", name)
        return None if value is None else str(value)


def test_the_invariant_holds_whatever_happens(redis_url: str) -> None:
    StoreMachine.url = redis_url
    run_state_machine_as_test(
        StoreMachine,
        settings=settings(
            max_examples=40,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
