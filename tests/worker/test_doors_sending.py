"""What the task passes on, and what is kept of anything at all."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneq_shared.errors import InvalidInputError
from tuneq_shared.intake import parse_request
from tuneq_worker.doors.redaction import MAX_KEPT, kept_reason, kept_text, kept_value
from tuneq_worker.doors.sending import request_bytes

REQUEST = {"model": "m", "training_file": "data:t.jsonl"}


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [([REQUEST], {}), ([], {"request": REQUEST}), ([json.dumps(REQUEST)], {})],
)
def test_a_request_is_passed_on(args: list[Any], kwargs: dict[str, Any]) -> None:
    assert parse_request(request_bytes(args, kwargs)).model == "m"


@pytest.mark.parametrize(
    ("args", "kwargs", "reason"),
    [
        ([], {}, "args: unknown field"),
        ([REQUEST, REQUEST], {}, "args: unknown field"),
        ([], REQUEST, "kwargs: unknown field"),
        ([REQUEST], {"request": REQUEST}, "args: unknown field"),
        ([None], {}, "a JSON object"),
        (["nothing"], {}, "not JSON"),
        (["\ud800"], {}, "not JSON"),
        ([{"model": "\ud800"}], {}, "not JSON"),
        ([{"seed": 10**400}], {}, "not JSON|seed"),
        ([{"budget_usd": float("nan")}], {}, "not JSON"),
        ([{"budget_usd": Decimal(1)}], {}, "model: Field required"),
    ],
)
def test_what_is_no_request_is_passed_on_to_be_refused(
    args: list[Any], kwargs: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        parse_request(request_bytes(args, kwargs))


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


@given(st.binary(max_size=500) | st.text().map(lambda t: t.encode(errors="surrogatepass")))
def test_anything_can_be_kept(raw: bytes) -> None:
    assert len(kept_text(raw)) <= MAX_KEPT


@given(JSON)
def test_json_without_secrets_is_kept_as_it_is(value: Any) -> None:
    kept = kept_value(value)
    if "***" not in kept and "..." not in kept:
        assert json.loads(kept) == value


@pytest.mark.parametrize("letters", ["key", "k", "://", "token:", "sk-", "bearer ", "://a?"])
def test_the_longest_texts_are_dealt_with(letters: str) -> None:
    text = letters * (65536 // len(letters))
    assert len(kept_text(text.encode())) <= MAX_KEPT
    assert len(kept_value({"a": text})) <= MAX_KEPT
    assert len(kept_reason(text)) <= MAX_KEPT
