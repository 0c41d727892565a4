"""Asking runs against a clock that stands still but for its sleeps."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.worker.fakes import ACCOUNT, MODEL, FakeChat, FakePace, refusal

from tuneq_shared.domain.evaluation import EvaluationSpec, Outcome
from tuneq_shared.domain.failure import STOPS_ACCOUNT, ErrorKind
from tuneq_shared.ports.limits import Headroom, Told
from tuneq_worker.evaluation import asking as module
from tuneq_worker.evaluation.asking import Asking, StoppedError
from tuneq_worker.evaluation.samples import Sample
from tuneq_worker.evaluation.scorers import score_choice
from tuneq_worker.ports.provider import Completion, ProviderError

SPEC = EvaluationSpec(
    account=ACCOUNT,
    model=MODEL,
    dataset="data:x",
    dataset_digest="d",
    scorer="choice",
    max_tokens=8,
    temperature=0.5,
)
HEADROOM = Headroom(requests=Told(limit=60, remaining=1))


@dataclass
class Clock:
    """Time passes by sleeping alone."""

    now: float = 1000.0
    slept: float = 0.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        wake_at = self.now + seconds
        await asyncio.sleep(0)  # others go to sleep, too
        self.slept += max(0.0, wake_at - self.now)
        self.now = max(self.now, wake_at)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    kept = {"TaskGroup": asyncio.TaskGroup, "sleep": clock.sleep}
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(**kept))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def samples(count: int) -> list[Sample]:
    return [
        Sample(
            index=n,
            messages=({"role": "user", "content": str(n)},),
            target="A",
            choices=("x", "y"),
            label="l",
            subject="s",
        )
        for n in range(count)
    ]


def answered(
    *answers: str | ErrorKind | Completion, retry_after_s: float | None = None
) -> FakeChat:
    """A chat that gives these answers in turn, the last for ever."""
    left = list(answers)

    def answer(*_: object) -> Completion:
        given = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(given, ErrorKind):
            raise refusal(given, retry_after_s)
        if isinstance(given, Completion):
            return given
        return Completion(text=given, prompt_tokens=3, completion_tokens=2)

    return FakeChat(answer)


def ask(
    chat: FakeChat,
    count: int = 1,
    in_flight: int = 4,
    wanted: Callable[[], bool] = lambda: True,
    pace: FakePace | None = None,
) -> Asking:
    asking = Asking(
        spec=SPEC,
        scorer=score_choice,
        model=SPEC.model,
        asker="e",
        in_flight=in_flight,
        wanted=wanted,
    )
    asyncio.run(asking.ask(chat, pace or FakePace(), samples(count)))
    return asking


def stopped(chat: FakeChat, **kwargs: Any) -> StoppedError:
    with pytest.raises(StoppedError) as raised:
        ask(chat, **kwargs)
    return raised.value


def test_an_answer_is_kept_with_all_that_is_known_of_it() -> None:
    chat = answered("A")
    (row,) = ask(chat).rows.values()
    assert (row.sample, row.answer, row.parsed, row.target) == (0, "A", "A", "A")
    assert (row.outcome, row.prompt_tokens, row.completion_tokens) == (Outcome.CORRECT, 3, 2)
    assert (row.label, row.subject, row.error) == ("l", "s", None)
    assert row.messages
    assert chat.parameters == [{"max_tokens": 8, "temperature": 0.5}]


@pytest.mark.parametrize(
    ("answer", "outcome", "text"),
    [
        ("B", Outcome.WRONG, "B"),
        ("hm", Outcome.UNPARSED, "hm"),
        (
            Completion(text="A", prompt_tokens=3, completion_tokens=2, refused=True),
            Outcome.REFUSED,
            "A",
        ),
        (ErrorKind.MODERATION, Outcome.REFUSED, None),
        (ErrorKind.BAD_REQUEST, Outcome.ERRORED, None),
    ],
    ids=str,
)
def test_outcomes_that_need_one_try(
    clock: Clock, answer: Any, outcome: Outcome, text: str | None
) -> None:
    chat = answered(answer)
    (row,) = ask(chat).rows.values()
    assert (row.outcome, row.answer) == (outcome, text)
    assert chat.asked.total() == 1
    assert clock.slept == 0


@pytest.mark.parametrize("kind", [ErrorKind.SERVER, ErrorKind.NETWORK, ErrorKind.MALFORMED])
def test_a_passing_error_is_tried_again_five_times_in_all(clock: Clock, kind: ErrorKind) -> None:
    chat = answered(kind, kind, kind, kind, "A")
    assert ask(chat).rows[0].outcome is Outcome.CORRECT
    assert chat.asked.total() == 5
    chat = answered(kind)
    row = ask(chat).rows[0]
    assert (row.outcome, row.error) == (Outcome.ERRORED, f"the provider said {kind}")
    assert chat.asked.total() == 5
    assert clock.slept <= 30


WAITS = [ErrorKind.RATE, ErrorKind.CAPACITY, ErrorKind.COLD, ErrorKind.NOT_READY]


@pytest.mark.parametrize("kind", WAITS)
def test_a_wait_that_is_asked_for_is_no_try(clock: Clock, kind: ErrorKind) -> None:
    chat = answered(*[kind] * 20, "A")
    assert ask(chat, in_flight=1).rows[0].outcome is Outcome.CORRECT
    assert clock.slept >= 20


@pytest.mark.parametrize("retry_after_s", [None, 100.0, 5000.0])
def test_patience_has_an_end(clock: Clock, retry_after_s: float | None) -> None:
    chat = answered(ErrorKind.SERVER, retry_after_s=retry_after_s)
    assert ask(chat).rows[0].outcome is Outcome.ERRORED
    assert clock.slept <= 900


@pytest.mark.parametrize("kind", WAITS)
@pytest.mark.parametrize("retry_after_s", [None, 100.0, 5000.0])
def test_a_long_wait_is_not_sat_out_here(
    clock: Clock, kind: ErrorKind, retry_after_s: float | None
) -> None:
    cause = stopped(answered(kind, retry_after_s=retry_after_s)).cause
    assert cause is not None
    assert cause.kind is kind
    assert clock.slept <= 900


def test_all_heed_the_wait_that_one_of_them_was_told(clock: Clock) -> None:
    times: list[float] = []
    refused = iter([True])

    def answer(*_: object) -> Completion:
        times.append(clock.now)
        if next(refused, False):
            raise refusal(ErrorKind.RATE, 50.0)
        return Completion(text="A", prompt_tokens=1, completion_tokens=1)

    asking = ask(FakeChat(answer), count=20, in_flight=2)
    assert len(asking.rows) == 20
    assert times[0] == 1000.0
    assert all(at == 1000.0 or at >= 1050.0 for at in times)
    assert sum(at == 1000.0 for at in times) <= 2


@pytest.mark.parametrize("kind", sorted({*STOPS_ACCOUNT, ErrorKind.NOT_FOUND}))
def test_what_concerns_every_sample_stops_the_asking(clock: Clock, kind: ErrorKind) -> None:
    chat = answered("A", "A", kind)
    cause = stopped(chat, count=50, in_flight=2).cause
    assert cause is not None
    assert cause.kind is kind
    assert chat.asked.total() <= 4


def test_what_was_answered_before_a_stop_is_kept(clock: Clock) -> None:
    asking = Asking(
        spec=SPEC,
        scorer=score_choice,
        model=SPEC.model,
        asker="e",
        in_flight=1,
        wanted=lambda: True,
    )
    chat = answered("A", "B", ErrorKind.QUOTA)
    with pytest.raises(StoppedError):
        asyncio.run(asking.ask(chat, FakePace(), samples(9)))
    assert [row.answer for row in asking.rows.values()] == ["A", "B"]


def test_no_longer_wanted_it_asks_nothing(clock: Clock) -> None:
    chat = answered("A")
    assert stopped(chat, wanted=lambda: False).cause is None
    assert chat.asked.total() == 0


@pytest.mark.parametrize("kind", [ErrorKind.RATE, ErrorKind.SERVER])
def test_no_longer_wanted_it_does_not_sit_out_a_wait(clock: Clock, kind: ErrorKind) -> None:
    chat = answered(kind, retry_after_s=600.0)
    assert stopped(chat, wanted=lambda: clock.now < 1010).cause is None
    assert clock.slept <= 12


@given(count=st.integers(0, 40), in_flight=st.integers(1, 12))
def test_never_more_in_flight_than_allowed_and_every_sample_once(
    count: int, in_flight: int
) -> None:
    chat = answered("A")
    chat.pause = lambda: asyncio.sleep(0)
    asking = ask(chat, count=count, in_flight=in_flight)
    assert sorted(asking.rows) == list(range(count))
    assert chat.most_in_flight == min(count, in_flight)
    assert set(chat.asked.values()) <= {1}


def test_every_permit_is_settled_with_what_is_known() -> None:
    pace = FakePace()
    answers = (
        Completion(text="A", prompt_tokens=9, completion_tokens=2, headroom=HEADROOM),
        Completion(text="A", prompt_tokens=0, completion_tokens=0),
    )
    ask(answered(*answers), count=2, in_flight=1, pace=pace)
    assert [(each.tokens, each.headroom) for each in pace.settled] == [
        (11, HEADROOM),
        (None, Headroom()),
    ]
    assert all(each.sent and each.latency_s is not None for each in pace.settled)
    assert {each.permit.call.id for each in pace.settled} == {"e-1", "e-2"}


@pytest.mark.parametrize(("kind", "told"), [(ErrorKind.RATE, [7.0]), (ErrorKind.COLD, [])])
def test_a_refusal_of_all_is_told_to_all(clock: Clock, kind: ErrorKind, told: list[float]) -> None:
    pace = FakePace()
    refused = iter([True])

    def answer(*_: object) -> Completion:
        if next(refused, False):
            raise ProviderError(kind, "no", retry_after_s=7.0, headroom=HEADROOM)
        return Completion(text="A", prompt_tokens=1, completion_tokens=1)

    ask(FakeChat(answer), pace=pace)
    assert pace.refused == told
    assert [each.headroom for each in pace.settled] == [HEADROOM, Headroom()]
    assert pace.settled[0].latency_s is None


def test_a_call_that_is_cut_off_stays_as_it_was_reserved(clock: Clock) -> None:
    pace = FakePace()
    calls = iter(range(9))

    async def pause() -> None:
        if next(calls) > 0:
            await asyncio.Event().wait()  # for ever, were it not cut off

    chat = answered(ErrorKind.QUOTA)
    chat.pause = pause
    assert stopped(chat, count=3, in_flight=3, pace=pace).cause is not None
    assert len(pace.settled) == 3
    assert {(each.sent, each.tokens) for each in pace.settled} == {(True, None)}
