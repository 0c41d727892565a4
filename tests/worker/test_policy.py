import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.worker.fakes import refusal

from tuneq_shared.domain.failure import STOPS_ACCOUNT, ErrorKind
from tuneq_worker.policy import Verdict, backoff_s, decide

RETRY, GIVE_UP, STOP = Verdict.RETRY, Verdict.GIVE_UP, Verdict.STOP_ACCOUNT


@pytest.mark.parametrize(
    ("kind", "at_first", "after_29", "after_30"),
    [
        (ErrorKind.RATE, (RETRY, 5), (RETRY, 300), (RETRY, 300)),
        (ErrorKind.CAPACITY, (RETRY, 5), (RETRY, 300), (RETRY, 300)),
        (ErrorKind.DAILY, (STOP, 3600), (STOP, 3600), (STOP, 3600)),
        (ErrorKind.QUOTA, (STOP, 0), (STOP, 0), (STOP, 0)),
        (ErrorKind.COLD, (RETRY, 5), (RETRY, 5), (GIVE_UP, 0)),
        (ErrorKind.AUTH, (STOP, 0), (STOP, 0), (STOP, 0)),
        (ErrorKind.UNAVAILABLE, (STOP, 0), (STOP, 0), (STOP, 0)),
        (ErrorKind.BAD_REQUEST, (GIVE_UP, 0), (GIVE_UP, 0), (GIVE_UP, 0)),
        (ErrorKind.MODERATION, (GIVE_UP, 0), (GIVE_UP, 0), (GIVE_UP, 0)),
        (ErrorKind.NOT_FOUND, (GIVE_UP, 0), (GIVE_UP, 0), (GIVE_UP, 0)),
        (ErrorKind.NOT_READY, (RETRY, 5), (RETRY, 5), (GIVE_UP, 0)),
        (ErrorKind.SERVER, (RETRY, 1), (RETRY, 300), (GIVE_UP, 0)),
        (ErrorKind.NETWORK, (RETRY, 1), (RETRY, 300), (GIVE_UP, 0)),
        (ErrorKind.MALFORMED, (RETRY, 1), (RETRY, 300), (GIVE_UP, 0)),
    ],
    ids=str,
)
def test_every_kind_has_its_verdict(
    kind: ErrorKind,
    at_first: tuple[Verdict, float],
    after_29: tuple[Verdict, float],
    after_30: tuple[Verdict, float],
) -> None:
    for attempts, expected in ((0, at_first), (29, after_29), (30, after_30)):
        decision = decide(refusal(kind), attempts)
        assert (decision.verdict, decision.delay_s) == expected


def test_every_kind_stands_in_the_table_above() -> None:
    assert len(ErrorKind) == 14


@given(kind=st.sampled_from(ErrorKind), attempts=st.integers(0, 29), wait=st.floats(0.001, 1e5))
def test_the_wait_that_the_provider_names_is_kept(
    kind: ErrorKind, attempts: int, wait: float
) -> None:
    decision = decide(refusal(kind, wait), attempts)
    if decision.verdict is not GIVE_UP:
        assert decision.delay_s == wait
    assert (decision.verdict is STOP) == (kind in STOPS_ACCOUNT)


@given(kind=st.sampled_from(ErrorKind), attempts=st.integers(0, 100_000))
def test_the_backoff_grows_up_to_a_bound(kind: ErrorKind, attempts: int) -> None:
    assert 0 < backoff_s(kind, attempts) <= backoff_s(kind, attempts + 1) <= 300
