"""Whatever order runs end, leave Redis, come back and are asked for in: none is lost or doubled."""

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tuneq_shared.archive import Archive
from tuneq_shared.archived_catalogue import ArchivedCatalogue
from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import RunStage, is_terminal
from tuneq_shared.errors import ConflictError
from tuneq_shared.ports.items import Claim, Commit, Creation, NewItem
from tuneq_shared.ports.retention import EndedItem
from tuneq_shared.redis_store.catalogue import RedisCatalogue
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.items import RedisItems
from tuneq_shared.redis_store.retention import RedisRetention

GROUP = "g"
ENDS = (RunStage.SUCCEEDED, RunStage.FAILED)


class RetentionMachine(RuleBasedStateMachine):
    """Runs that end, are archived, retried and submitted again, and pruners that come late."""

    url: str
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.prefix = f"machine-{uuid.uuid4().hex}"
        self.redis: Any = connect(self.url)
        self.items = RedisItems(self.redis, self.prefix)
        self.retention = RedisRetention(self.redis, self.prefix)
        self.archive = Archive(DataRoot(str(self.folder / self.prefix)), self.retention)
        present = RedisCatalogue(self.redis, self.prefix)
        self.catalogue = ArchivedCatalogue(present, self.archive)
        self.stages: dict[ItemId, str] = {}  # in the order of creation
        self.docs: dict[ItemId, dict[str, Any]] = {}
        self.away: set[ItemId] = set()
        self.jobs: list[str] = []

    runs = Bundle("runs")
    snapshots = Bundle("snapshots")

    @rule(target=runs)
    def submit(self) -> ItemId:
        item = ItemId(Kind.RUN, uuid.uuid4().hex[:20])
        assert self.items.create([self._new(item)]) == [Creation.CREATED]
        self.stages[item], self.docs[item] = RunStage.SUBMITTED, {}
        return item

    @rule(item=runs, other=st.booleans())
    def submit_again(self, item: ItemId, other: bool) -> None:
        (answer,) = self.items.create([self._new(item, "e" if other else "d")])
        assert answer is (Creation.OTHER_CONTENT if other else Creation.EXISTS)

    @rule(item=runs)
    def take_its_name(self, item: ItemId) -> None:
        thief = ItemId(Kind.RUN, uuid.uuid4().hex[:20])
        assert self.items.create([self._new(thief, name=item.key)]) == [Creation.NAME_TAKEN]

    @rule(item=runs, end=st.sampled_from(ENDS))
    def end(self, item: ItemId, end: RunStage) -> None:
        path = [RunStage.COLLECTING, end]
        if item in self.away or is_terminal(Kind.RUN, self.stages[item]):
            return
        job_id = uuid.uuid4().hex
        doc = {"n": len(self.docs[item].get("n", "")) * "x" + uuid.uuid4().hex, "job_id": job_id}
        self.jobs.append(job_id)
        before = [RunStage.PREPARING, RunStage.UPLOADING, RunStage.CREATING, RunStage.TRAINING]
        start = self.stages[item]
        steps = before[before.index(RunStage(start)) + 1 :] if start in before else before
        for stage in [*steps, *path]:
            claim = self._claim(item)
            self.items.commit(claim, Commit(stage=stage, doc=doc))
        self.stages[item], self.docs[item] = end, doc

    @rule(target=snapshots)
    def read(self) -> list[EndedItem]:
        """As a pruner does, which may come late with it."""
        return self.retention.read(self.retention.old(Kind.RUN, self.retention.cutoff(0.0), 0, 100))

    @rule(ended=snapshots)
    def put_away(self, ended: list[EndedItem]) -> None:
        for each, gone in zip(ended, self.archive.put_away(ended), strict=True):
            item = each.item
            is_same = each.doc == self.docs[item] and item not in self.away
            assert gone == (is_same and is_terminal(Kind.RUN, self.stages[item]))
            if gone:
                self.away.add(item)

    @rule(item=runs)
    def retry(self, item: ItemId) -> None:
        (record,) = self.catalogue.read([item])
        assert record is not None
        if record.stage != RunStage.FAILED:
            return
        words = (record, RunStage.TRAINING, {**record.doc, "again": True}, "retried")
        assert self.items.revive(*words) is (item not in self.away)
        if item in self.away:
            assert self.archive.bring_back(item)
            assert self.items.revive(*words)
            self.away.remove(item)
        assert not self.archive.bring_back(item)
        self.stages[item] = RunStage.TRAINING
        self.docs[item] = {**record.doc, "again": True}

    @invariant()
    def all_read_as_they_are(self) -> None:
        records = self.catalogue.read(list(self.stages))
        told = {r.item: (r.stage, r.doc) for r in records if r is not None}
        assert told == {item: (self.stages[item], self.docs[item]) for item in self.stages}

    @invariant()
    def each_is_listed_and_counted_where_it_is(self) -> None:
        here = [item.key for item in self.stages if item not in self.away]
        assert self.catalogue.run_ids() == self.catalogue.run_ids(GROUP) == here
        everywhere = [item.key for item in self.stages]
        assert self.catalogue.run_ids(GROUP, archived=True) == everywhere
        assert set(self.catalogue.run_ids(archived=True)) == set(everywhere)
        assert self.catalogue.archived_count(GROUP) == self.catalogue.archived_count()
        assert self.catalogue.archived_count() == len(self.away)
        stages = [stage for item, stage in self.stages.items() if item not in self.away]
        assert self.catalogue.counts(GROUP) == {s: stages.count(s) for s in set(stages)}
        assert self.catalogue.counts() == self.catalogue.counts(GROUP)
        every = list(self.stages.values())
        assert self.catalogue.counts(GROUP, archived=True) == {s: every.count(s) for s in every}
        assert self.catalogue.counts(archived=True) == self.catalogue.counts(GROUP, archived=True)

    @invariant()
    def the_job_of_each_that_is_away_is_known_as_its(self) -> None:
        followers = {self.docs[item]["job_id"]: item.key for item in self.away}
        assert self.catalogue.archived_followers("a", self.jobs) == followers

    @invariant()
    def what_has_ended_can_be_found_as_old(self) -> None:
        ended = {
            item
            for item, stage in self.stages.items()
            if item not in self.away and is_terminal(Kind.RUN, stage)
        }
        assert set(self.retention.old(Kind.RUN, self.retention.cutoff(0.0), 0, 1000)) == ended
        assert self.retention.count(Kind.RUN, self.retention.cutoff(0.0)) == len(ended)

    def _new(self, item: ItemId, digest: str = "d", name: str = "") -> NewItem:
        return NewItem(
            item=item,
            stage=RunStage.SUBMITTED,
            fixed={"request": {"account": "a", "model": "m", "training_file": "file-1"}},
            doc={},
            digest=digest * 64,
            group=GROUP,
            name=name or item.key,
        )

    def _claim(self, item: ItemId) -> Claim:
        self.items.wake([item])
        claim = self.items.claim(item, 60.0)
        assert claim is not None
        return claim

    def teardown(self) -> None:
        for key in self.redis.scan_iter(f"{self.prefix}:*"):
            self.redis.delete(key)
        self.redis.close()


def test_no_run_is_lost_or_doubled(redis_url: str, tmp_path: Path) -> None:
    RetentionMachine.url, RetentionMachine.folder = redis_url, tmp_path
    run_state_machine_as_test(
        RetentionMachine,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def retention(redis_url: str, store_prefix: str) -> RedisRetention:
    return RedisRetention(connect(redis_url), store_prefix)


def test_a_claim_on_what_was_forgotten_is_none_on_what_has_its_id_now(
    items: RedisItems, retention: RedisRetention
) -> None:
    item = ItemId(Kind.UPLOAD, "account/digest")
    new = NewItem(item=item, stage="pending", fixed={"account": "account"}, doc={})
    items.create([new])
    old = items.claim(item, 60.0)
    assert old is not None
    items.commit(old, Commit(stage="ready", doc={"file_id": "file-1"}))
    assert retention.forget(retention.read([item])) == [True]
    items.create([new])
    present = items.claim(item, 60.0)
    assert present is not None
    assert present.token > old.token
    assert retention.forgotten("account") == {"file-1"}


def test_what_is_wanted_only_if_it_is_there_is_not_created(items: RedisItems) -> None:
    new = NewItem(item=ItemId(Kind.EVALUATION, "e"), stage="pending", fixed={}, doc={})
    assert items.join(new, "run:a", (), creates=False) is Creation.ABSENT
    assert items.claim(new.item, 60.0) is None
    assert items.join(new, "run:a", ()) is Creation.CREATED
    assert items.join(new, "run:b", (), creates=False) is Creation.EXISTS


@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize(
    ("stage", "doc", "goes"),
    [
        (RunStage.FAILED, {"purchase": {"n": 1}}, True),
        (RunStage.FAILED, {}, True),
        (RunStage.CANCELLED, {"purchase": {"intent_at": 5.0}}, False),
        (RunStage.PREPARING, {}, False),
        (None, {}, False),
    ],
)
def test_a_file_for_a_purchase_alone_stays_while_it_may_tell_the_job(
    items: RedisItems,
    retention: RedisRetention,
    *,
    stage: RunStage | None,
    doc: dict[str, Any],
    goes: bool,
    archived: bool,
) -> None:
    run, upload = ItemId(Kind.RUN, "r"), ItemId(Kind.UPLOAD, "account/digest/r/1")
    fixed = {"account": "account", "purchase": "r/1"}
    items.create([NewItem(item=upload, stage="pending", fixed=fixed, doc={})])
    commit(items, upload, "ready", {"file_id": "file-1", "stuck": ["file-0"], "former": ["file 2"]})
    if stage is not None:
        items.create([NewItem(item=run, stage="submitted", fixed={}, doc={}, group="g", name="r")])
        commit(items, run, RunStage.PREPARING, {})
    if stage is RunStage.CANCELLED:
        commit(items, run, RunStage.CANCELLING, doc)
    if stage in {RunStage.FAILED, RunStage.CANCELLED}:
        commit(items, run, stage, doc)
    read = retention.read([run]) if archived else []
    assert all(retention.forget(read))
    assert retention.forget(retention.read([upload])) == [goes]
    assert all(map(retention.restore, read))
    assert retention.forgotten("account") == ({"file-0", "file-1", "file 2"} if goes else set())


def test_an_archived_run_whose_name_is_anothers_does_not_come_back(
    items: RedisItems, retention: RedisRetention, redis_url: str, store_prefix: str
) -> None:
    redis: Any = connect(redis_url)
    first, second = ItemId(Kind.RUN, "a"), ItemId(Kind.RUN, "b")
    new = NewItem(item=first, stage="submitted", fixed={}, doc={}, group="g", name="n")
    items.create([new])
    commit(items, first, RunStage.FAILED, {})
    read = retention.read([first])
    assert retention.forget(read) == [True]
    for key in redis.scan_iter(f"{store_prefix}:*"):
        redis.delete(key)
    items.create([replace(new, item=second)])
    with pytest.raises(ConflictError, match="g/n"):
        retention.restore(read[0])


def commit(items: RedisItems, item: ItemId, stage: str, doc: dict[str, Any]) -> None:
    items.wake([item])
    claim = items.claim(item, 60.0)
    assert claim is not None
    items.commit(claim, Commit(stage=stage, doc=doc))
