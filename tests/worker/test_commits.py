from dataclasses import replace
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, MODEL

from tuneq_shared.domain.account import AccountState, account_id
from tuneq_shared.domain.evaluation import Counts, Evaluation, EvaluationSpec, Shard
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import (
    AccountStage,
    EvaluationStage,
    RunStage,
    ShardStage,
    UploadStage,
)
from tuneq_shared.domain.request import FineTuneRequest
from tuneq_shared.domain.run import Purchase, Run
from tuneq_shared.domain.upload import Upload
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.ports.items import Asked, Park, Slot
from tuneq_worker.commits import SLOT_FALLBACK_S, to_commit
from tuneq_worker.ports.stage import Advance, Fail, Hold, Sleep, Wait

NOW = 1000.0
RUN = Run(
    id="r",
    stage=RunStage.CREATING,
    request=FineTuneRequest(model=MODEL, training_file="file-x", account=ACCOUNT),
    created_at=0.0,
    attempts={"creating": 3, "post": 1},
)
SPEC = EvaluationSpec(
    account=ACCOUNT,
    model=MODEL,
    dataset="data:x",
    dataset_digest="d",
    scorer="exact",
    max_tokens=1,
    temperature=0.0,
)
WAITING = Waiting(WaitKind.RETRY, "x", "because")
UPLOAD = Upload(id="a/d", stage=UploadStage.SENT, account=ACCOUNT, digest="d", attempts=30)
EVALUATION = Evaluation(id="e", stage=EvaluationStage.RUNNING, spec=SPEC, attempts=30)
SHARD = Shard(
    id="e/0",
    stage=ShardStage.PENDING,
    spec=SPEC,
    evaluation="e",
    index=0,
    start=10,
    stop=15,
    attempts=30,
)


def test_going_on_is_due_at_once_and_forgets_the_tries_of_the_stage_left() -> None:
    result = Advance(replace(RUN, stage=RunStage.TRAINING, waiting=WAITING), "bought")
    commit = to_commit(result, RUN, NOW)
    assert (commit.stage, commit.delay_s, commit.event) == ("training", 0.0, "bought")
    assert commit.doc == {"v": 1}


def test_going_on_may_take_hand_on_and_answer() -> None:
    slot = Slot("pool", 2)
    taking = to_commit(Advance(RUN, take=slot), RUN, NOW)
    assert (taking.take, taking.delay_s, taking.refused) == (slot, SLOT_FALLBACK_S, False)
    other = to_commit(Advance(RUN, free=True, answered=Asked.RELEASE), RUN, NOW)
    assert (other.take, other.free, other.answered) == (None, True, Asked.RELEASE)


def test_waiting_keeps_tries_and_says_why() -> None:
    commit = to_commit(Wait(RUN, 7.0, WAITING, refused=Slot("pool", 2)), RUN, NOW)
    assert commit.delay_s == 7.0
    assert (commit.take, commit.refused) == (Slot("pool", 2), True)
    assert commit.doc["attempts"] == {"creating": 3, "post": 1}
    assert commit.doc["waiting"] == {"kind": "retry", "on": "x", "reason": "because"}


def test_sleeping_parks_and_begins_to_count_tries_anew() -> None:
    tried = replace(RUN, attempts={**RUN.attempts, "fault": 2, "surroundings": 1})
    commit = to_commit(Sleep(tried, account_id(ACCOUNT), WAITING, "mark"), RUN, NOW)
    assert commit.park == Park(account_id(ACCOUNT), "mark")
    assert commit.doc["attempts"] == {"post": 1}, "only the looks were good"


@pytest.mark.parametrize(
    ("stage", "is_end"), [(RunStage.SUCCEEDED, True), (RunStage.EVALUATING, False)]
)
def test_the_end_has_a_time(stage: RunStage, *, is_end: bool) -> None:
    commit = to_commit(Advance(replace(RUN, stage=stage)), RUN, NOW)
    assert commit.doc.get("finished_at") == (NOW if is_end else None)


@pytest.mark.parametrize(
    ("item", "stage"),
    [
        (RUN, "failed"),
        (EVALUATION, "incomplete"),
        (UPLOAD, "failed"),
        (SHARD, "done"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_kind_ends_badly_in_its_way(item: Any, stage: str) -> None:
    commit = to_commit(Fail(item, Failure("code", "words")), item, NOW)
    assert (commit.stage, commit.event) == (stage, "code: words")
    assert commit.doc["failure"] == {"code": "code", "message": "words", "stage": item.stage}
    if item is not RUN:
        assert "attempts" not in commit.doc, "whoever takes it up again has all tries"


def test_a_failed_shard_keeps_its_answers_and_counts_the_rest_as_errored() -> None:
    before = replace(SHARD, counts=Counts(correct=3, errored=1), part="p")
    commit = to_commit(Fail(before, Failure("code", "words")), before, NOW)
    assert commit.doc["counts"] == {"correct": 3, "errored": 2}
    assert commit.doc["part"] == "p"


@pytest.mark.parametrize(
    ("stage", "intent_at", "job_ended", "end"),
    [
        (RunStage.CANCELLING, None, False, "held"),
        (RunStage.TRAINING, None, False, "held"),
        (RunStage.TRAINING, None, True, "failed"),
        (RunStage.CREATING, NOW, False, "held"),
        (RunStage.CREATING, None, False, "failed"),
        (RunStage.COLLECTING, None, False, "failed"),
    ],
)
def test_a_run_whose_job_may_go_on_is_held_and_does_not_fail(
    stage: RunStage, intent_at: float | None, job_ended: bool, end: str
) -> None:
    run = replace(RUN, stage=stage, purchase=Purchase(0, intent_at))
    # The code may be a provider's own word: it says nothing of the job.
    failure = Failure("job_failed", "no")
    commit = to_commit(Fail(run, failure, job_ended=job_ended), run, NOW)
    assert commit.stage == end
    assert commit.doc.get("held_from") == (stage if end == "held" else None)
    assert "attempts" not in commit.doc


def test_held_remembers_where_from() -> None:
    commit = to_commit(Hold(RUN, "two jobs"), RUN, NOW)
    assert (commit.stage, commit.doc["held_from"]) == ("held", "creating")
    assert commit.doc["waiting"]["kind"] == "operator"
    assert commit.event == "held: two jobs"
    assert commit.delay_s > 0


def test_what_has_no_end_or_is_no_run() -> None:
    account = AccountState(id="a", stage=AccountStage.ACTIVE)
    with pytest.raises(TypeError, match="does not end"):
        to_commit(Fail(account, Failure("c", "m")), account, NOW)
    with pytest.raises(TypeError, match="only runs"):
        to_commit(Hold(UPLOAD, "why"), UPLOAD, NOW)
