from dataclasses import replace

import pytest
from tests.worker.fakes import ACCOUNT, MODEL, refusal

from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.failure import STOPS_ACCOUNT, ErrorKind
from tuneq_shared.domain.lifecycle import RunStage, UploadStage
from tuneq_shared.domain.request import FineTuneRequest
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.upload import Upload
from tuneq_shared.domain.waiting import WaitKind
from tuneq_worker.marks import read_stop_mark
from tuneq_worker.ports.stage import Fail, Sleep, Wait
from tuneq_worker.recovery import attempts, recover, with_attempt

RUN = Run(
    id="r",
    stage=RunStage.TRAINING,
    request=FineTuneRequest(model=MODEL, training_file="file-x", account=ACCOUNT),
    created_at=0.0,
)
UPLOAD = Upload(id="a/d", stage=UploadStage.PENDING, account=ACCOUNT, digest="d")


def test_a_passing_error_is_waited_out_and_counted_for_its_stage() -> None:
    first = recover(RUN, ACCOUNT, refusal(ErrorKind.SERVER))
    assert isinstance(first, Wait)
    assert (first.delay_s, first.item.attempts) == (1.0, {"training": 1})
    second = recover(first.item, ACCOUNT, refusal(ErrorKind.NETWORK))
    assert isinstance(second, Wait)
    assert (second.delay_s, second.item.attempts) == (2.0, {"training": 2})
    assert second.waiting is not None
    assert second.waiting.kind is WaitKind.RETRY
    elsewhere = replace(second.item, stage=RunStage.COLLECTING)
    assert attempts(elsewhere) == 0


def test_tries_are_used_up() -> None:
    run = recover(replace(RUN, attempts={"training": 30}), ACCOUNT, refusal(ErrorKind.SERVER))
    upload = recover(replace(UPLOAD, attempts=30), ACCOUNT, refusal(ErrorKind.SERVER))
    for given_up in (run, upload):
        assert isinstance(given_up, Fail)
        assert given_up.failure.code == "server"
        assert given_up.failure.stage == given_up.item.stage


@pytest.mark.parametrize("kind", [ErrorKind.RATE, ErrorKind.CAPACITY])
def test_waiting_as_told_does_not_use_tries_up(kind: ErrorKind) -> None:
    run = RUN
    delays = []
    for _ in range(100):
        result = recover(run, ACCOUNT, refusal(kind))
        assert isinstance(result, Wait)
        delays.append(result.delay_s)
        run = result.item
    assert delays == sorted(delays)
    assert delays[-1] == 300
    assert isinstance(recover(run, ACCOUNT, refusal(ErrorKind.SERVER)), Wait)


@pytest.mark.parametrize("kind", sorted(STOPS_ACCOUNT))
def test_a_refusal_of_the_account_is_told_to_the_account(kind: ErrorKind) -> None:
    result = recover(UPLOAD, ACCOUNT, refusal(kind, 7.0))
    assert isinstance(result, Sleep)
    assert result.on == account_id(ACCOUNT)
    assert result.item == UPLOAD
    stop = read_stop_mark(result.mark)
    assert stop is not None
    assert (stop.kind, stop.for_s) == (kind, 7.0)


def test_a_try_more() -> None:
    assert attempts(with_attempt(with_attempt(UPLOAD))) == 2
    assert attempts(with_attempt(RUN)) == 1
