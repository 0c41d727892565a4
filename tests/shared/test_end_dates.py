"""Last days: where they are known from, when they are told, and what they refuse."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneq_shared.end_dates import NEAR_DAYS, Calendar, Ending, calendar_of, day_of
from tuneq_shared.errors import InvalidInputError
from tuneq_shared.ports.fleet import ModelList
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.fleet import RedisFleet
from tuneq_shared.settings import Account, Settings

TODAY = date(2026, 11, 22)


def day(days_left: int) -> date:
    return TODAY + timedelta(days=days_left)


def calendar(
    end_date: date | None = None,
    end_dates: dict[str, date] | None = None,
    listed: dict[str, date] | None = None,
) -> Calendar:
    account = Account.model_validate(
        {
            "base_url": "https://example.org",
            "capabilities": {"end_date": end_date},
            "end_dates": end_dates or {},
        }
    )
    seen = {"main": ModelList(end_dates=listed or {}, seen_at=1.0)}
    return Calendar({"main": account}, seen, TODAY)


def test_the_configuration_has_the_last_word() -> None:
    known = calendar(end_dates={"a": day(5)}, listed={"a": day(-5), "b": day(7)})
    assert {end.model: end.days_left for end in known.of("main", ["a", "b", "c"])} == {
        "a": 5,
        "b": 7,
    }


@pytest.mark.parametrize(
    ("days_left", "is_near", "is_over"),
    [
        (NEAR_DAYS + 1, False, False),
        (NEAR_DAYS, True, False),
        (1, True, False),
        (0, True, False),
        (-1, True, True),
    ],
)
def test_an_end_is_near_then_today_then_over(days_left: int, is_near: bool, is_over: bool) -> None:
    for known in (calendar(day(days_left)), calendar(listed={"m": day(days_left)})):
        (end,) = known.of("main", ["m"])
        assert (end.is_near, end.is_over) == (is_near, is_over)
        if is_over:
            with pytest.raises(InvalidInputError) as caught:
                known.refuse_ended("main", ["m"])
            assert str(day(days_left)) in caught.value.message
            assert "[accounts.main." in caught.value.hint
        else:
            known.refuse_ended("main", ["m"])


@pytest.mark.parametrize(
    ("model", "days_left", "words"),
    [
        ("", 45, "account main takes new jobs until 2027-01-06, in 45 days"),
        ("", -1, "account main took its last jobs on 2026-11-21"),
        ("m", 1, "model m of account main ends on 2026-11-23, tomorrow"),
        ("m", 0, "model m of account main ends on 2026-11-22, today"),
        ("m", -22, "model m of account main ended on 2026-10-31"),
    ],
)
def test_it_is_told_in_a_sentence(model: str, days_left: int, words: str) -> None:
    end = Ending(account="main", model=model, last_day=day(days_left), days_left=days_left)
    assert end.words == words


def test_all_ends_of_an_account_come_with_its_own_first_then_by_day() -> None:
    known = calendar(day(300), listed={"late": day(90), "b": day(-3), "a": day(-3)})
    assert [end.model for end in known.all_of("main")] == ["", "a", "b", "late"]
    assert known.all_of("unknown") == []


@given(st.integers(0, 3_000_000_000))
def test_a_day_is_that_of_utc(seconds: int) -> None:
    assert day_of(seconds) == date(1970, 1, 1) + timedelta(days=seconds // 86400)


def test_openai_itself_ends_by_its_host(redis_url: str, store_prefix: str) -> None:
    hosts = {"real": "https://api.openai.com/v1", "alike": "https://example.org/v1"}
    accounts = {name: Account(base_url=url) for name, url in hosts.items()}
    fleet = RedisFleet(connect(redis_url), store_prefix)
    fleet.tell_models("alike", ModelList(count=3, end_dates={"m": date(2000, 1, 1)}, seen_at=5.0))
    known = calendar_of(Settings(accounts=accounts), fleet)
    assert [end.last_day for end in known.of("real", [])] == [date(2027, 1, 6)]
    (end,) = known.of("alike", ["m"])
    assert end.is_over
