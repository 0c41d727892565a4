"""What is done to many lines at a time says the same as the rules say line by line."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneq_shared.data import check as check_module
from tuneq_shared.data import file_check
from tuneq_shared.data.check import Source, check_datasets
from tuneq_shared.data.codes import Code
from tuneq_shared.data.likeness_keys import NO_KEY, alike, keys_of
from tuneq_shared.data.lines import Reread, batches
from tuneq_shared.data.overlap import fold
from tuneq_shared.data.plain_lines import plain_runs
from tuneq_shared.data.report import CheckReport
from tuneq_shared.errors import InvalidInputError

ASCII = ["a", "A", " a", "a b", "A \t\nb ", "", " ", "k", "x", "x\0y", "B", "(C).", "D\n", "x" * 90]
OTHER = ["c\u00df", "CSS", "\u00a0css", "\u212a", "\u00e9\u2028", "\u3000", "long " * 30]
TEXTS = st.sampled_from(ASCII + OTHER)
CONTENTS = TEXTS | st.sampled_from([None, 3, [], ["x"], [{"type": "text", "text": "hi"}]])
ROLES = st.sampled_from(["user", "system", "assistant", "tool", "bot", None, ["x"]])
MESSAGES = st.fixed_dictionaries(
    {"role": ROLES, "content": CONTENTS},
    optional={"weight": st.sampled_from([0, 1, 2]), "odd": st.just(1)},
)
PLAIN = st.builds(
    lambda texts: [
        {"role": "assistant" if number == len(texts) else "user", "content": text}
        for number, text in enumerate(texts, 1)
    ],
    st.lists(TEXTS, min_size=1, max_size=3),
)
METADATA = st.sampled_from(
    [None, {}, {"label": "l"}, {"label": 3}, {"choices": ["x", "y"]}, {"choices": [1]}, {"own": 1}]
) | st.sampled_from([[], {"choices": ["x"], "subject": "s", "label": "m"}, {"choices": []}])
VALUES = st.fixed_dictionaries(
    {"messages": PLAIN | st.lists(MESSAGES, max_size=3)},
    optional={"metadata": METADATA, "tools": st.just([]), "id": st.just(1)},
)
ODD = [
    b"\n",
    b"{\n",
    b"[1]\n",
    b'{"messages":[{"role":"user","content":"\xed\xa0\x80"},{"role":"assistant","content":"a"}]}\n',
    b'{"messages":[{"role":"user","content":"\\ud800"},{"role":"assistant","content":"a"}]}\n',
    b'{"messages":[{"role":"user","content":"\x01"},{"role":"assistant","content":"a"}]}\n',
    b'{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]} x\n',
    b'{"messages":[{"role":"bot","role":"user","content":"q"},{"role":"assistant","content":"a"}]}',
    b'{"messages":[{"r\\u006fle":"user","content":"q"},{"role":"assistant","content":"a"}]}\r\n',
    b'{"messages":[{"role":"assistant","content":"a\\u0000"}],"metadata":null}\x0b\n',
    b"\xef\xbb\xbf" + b'{"messages":[{"role":"assistant","content":"a"}]}\n',
]
LINES = st.lists(VALUES.map(lambda value: orjson.dumps(value) + b"\n") | st.sampled_from(ODD))


def chat(question: str, answer: str = "A", **more: Any) -> bytes:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return orjson.dumps({"messages": messages, **more}) + b"\n"


def careful(raws: Sequence[bytes]) -> Iterator[tuple[None, Sequence[bytes]]]:
    """No line is waved through."""
    yield None, raws


def all_keys(training: Sequence[int], others: Iterable[Sequence[int]]) -> set[int]:
    """Every line is compared with every other."""
    return {*training, *(key for other in others for key in other)} - {NO_KEY}


@given(LINES, LINES, st.integers(1, 40), st.booleans())
def test_lines_taken_many_at_a_time_are_judged_as_one_by_one(
    train: list[bytes], other: list[bytes], limit: int, same: bool
) -> None:
    def checked() -> CheckReport:
        validation = Source("v", other)
        evaluation = validation if same else Source("e", other)
        return check_datasets(
            Source("t", train),
            validation=validation,
            evaluation=evaluation,
            max_example_tokens=limit,
        )

    fast = checked()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_check, "plain_runs", careful)
        patch.setattr(check_module, "alike", all_keys)
        slow = checked()
    # As JSON texts, for the order counts, too.
    assert orjson.dumps(fast.to_json()) == orjson.dumps(slow.to_json())


def test_lines_of_the_common_shape_are_taken_in_runs() -> None:
    good, bad = chat("q"), chat("q", id=1)
    runs = list(plain_runs([good, good, bad, good]))
    assert [(run is not None, len(raws)) for run, raws in runs] == [
        (True, 2),
        (False, 1),
        (True, 1),
    ]
    assert [len(raws) for _, raws in plain_runs([good] * 5)] == [5]


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1))
def test_inputs_that_are_alike_have_equal_keys(pairs: list[tuple[str, str]]) -> None:
    inputs = [first + second for first, second in pairs]
    together = list(keys_of(inputs))
    assert together == [key for text in inputs for key in keys_of([text])]
    by_fold: dict[bytes, set[int]] = {}
    for text, key in zip(inputs, together, strict=True):
        by_fold.setdefault(fold(text).replace(b" ", b""), set()).add(key)
    assert all(len(keys) == 1 for keys in by_fold.values())


@given(
    st.lists(st.integers(-1, 30)),
    st.lists(st.lists(st.integers(-1, 30) | st.integers(2**40, 2**40 + 9)), max_size=2),
)
def test_keys_that_are_shared_are_found_and_no_others(
    training: list[int], others: list[list[int]]
) -> None:
    counts = Counter(training)
    expected = {key for key in training if counts[key] > 1 or any(key in keys for keys in others)}
    assert alike(training, others) == expected - {NO_KEY}


def test_lines_that_can_be_read_only_once_are_compared_all_the_same() -> None:
    lines = (chat(text).rstrip() for text in [*"abcdefghijk", "a"])
    report = check_datasets(Source("t", lines), evaluation=Source("e", iter([chat("b")])))
    assert report.counts == {Code.DUPLICATE: 1, Code.OVERLAP_LINE: 1}


def test_a_file_that_changes_under_the_check_is_told() -> None:
    contents = [[chat("same")] * 12, [b"{\n"] * 12]
    with pytest.raises(InvalidInputError, match="t:1 changed while it was read"):
        check_datasets(Source("t", Reread(lambda: iter(contents.pop(0)))))


def test_long_lines_are_taken_in_small_number() -> None:
    lines = [b"x" * 100_000] * 20 + [b"y"] * 3000
    taken = list(batches(lines))
    assert [line for batch in taken for line in batch] == lines
    assert max(sum(map(len, batch)) for batch in taken) <= 200_000
    assert len(taken[-2]) == 512
