"""A worker to which Celery brings nothing any more."""

import os
import sys
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneq_worker.hearing import DEAF_AFTER_S, Hearing, start_anew

CONCURRENCY = 2


class Worker:
    """What a worker's hearing looks at."""

    def __init__(self, *, waiting: int, begun: int = 0, in_hand: int = 0) -> None:
        self.waiting, self.begun, self.in_hand = waiting, begun, in_hand
        self.hearing = Hearing(
            waiting=lambda: self.waiting,
            begun=lambda: self.begun,
            in_hand=lambda: self.in_hand,
            concurrency=CONCURRENCY,
        )

    def looks(self, times: Iterable[float]) -> list[bool]:
        return [self.hearing.is_deaf(now) for now in times]


def test_one_that_idles_while_messages_wait_is_deaf_in_the_end() -> None:
    worker = Worker(waiting=1)
    assert worker.looks([0, DEAF_AFTER_S - 1, DEAF_AFTER_S]) == [False, False, True]


@pytest.mark.parametrize(
    "worker",
    [Worker(waiting=0), Worker(waiting=9, in_hand=CONCURRENCY)],
    ids=["nothing waits", "all threads work"],
)
def test_one_that_has_a_reason_to_take_nothing_is_not(worker: Worker) -> None:
    assert not any(worker.looks([0, DEAF_AFTER_S, 3 * DEAF_AFTER_S]))


@given(st.lists(st.floats(0, DEAF_AFTER_S * 0.9), max_size=30))
def test_one_that_begins_a_task_now_and_then_is_not(pauses: list[float]) -> None:
    worker, now = Worker(waiting=9), 0.0
    for pause in pauses:
        now += pause
        assert not worker.hearing.is_deaf(now)
        worker.begun += 1
        assert not worker.hearing.is_deaf(now)


def test_time_in_which_nothing_could_be_seen_does_not_count() -> None:
    worker = Worker(waiting=1)
    worker.looks([0])
    worker.hearing.forget()
    assert worker.looks([DEAF_AFTER_S, 2 * DEAF_AFTER_S]) == [False, True]


def test_it_hands_back_what_is_in_hand_and_runs_its_own_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[object] = []
    in_hand = [1, 1, 0]
    monkeypatch.setattr(os, "execv", lambda *words: told.append(words))
    monkeypatch.setattr(sys, "orig_argv", ["python", "-P", "-m", "celery", "worker"])

    start_anew(lambda: told.append("stop"), lambda: in_hand.pop(0))

    command = [sys.executable, "-P", "-m", "celery", "worker"]
    assert told == ["stop", (sys.executable, command)]
    assert in_hand == []
