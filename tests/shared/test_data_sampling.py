"""Nested random samples."""

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneq_shared.data.drawn_lines import drawn
from tuneq_shared.data.lines import Reread
from tuneq_shared.data.sampling import first_of_permutation, first_places, order_key
from tuneq_shared.errors import InvalidInputError

SEEDS = st.integers(min_value=-(2**63), max_value=2**64)


@given(st.data(), SEEDS)
def test_a_smaller_sample_begins_every_larger_one(data: st.DataObject, seed: int) -> None:
    count = data.draw(st.integers(1, 200))
    large = data.draw(st.integers(1, count))
    small = data.draw(st.integers(1, large))
    sample = first_of_permutation(range(count), large, seed)
    assert first_of_permutation(iter(range(count)), small, seed) == sample[:small]


@given(st.integers(1, 200), SEEDS)
def test_the_whole_is_a_permutation(count: int, seed: int) -> None:
    assert sorted(first_of_permutation(range(count), count, seed)) == list(range(count))


@given(st.integers(1, 100), SEEDS)
def test_items_that_are_added_keep_the_order_of_the_others(count: int, seed: int) -> None:
    longer = first_of_permutation(range(count + 50), count + 50, seed)
    shorter = first_of_permutation(range(count), count, seed)
    assert [index for index in longer if index < count] == shorter


def test_every_index_is_drawn_about_as_often() -> None:
    drawn = [0] * 20
    for seed in range(2000):
        for index in first_of_permutation(range(20), 5, seed):
            drawn[index] += 1
    # Expected 500 each with a standard deviation of 19; the seeds are fixed, so is the result.
    assert min(drawn) > 500 - 5 * 19
    assert max(drawn) < 500 + 5 * 19


def test_the_order_holds_for_ever() -> None:
    sample = first_of_permutation(range(1000), 10, 7)
    assert sample == [821, 437, 162, 265, 354, 675, 27, 129, 593, 318]
    assert order_key(7, 0).hex() == "dda5906b84a43200"
    assert order_key(-1, 10**12).hex() == "ff5be16ddb843217"


def test_items_are_any_objects_and_need_no_order() -> None:
    items = [object() for _ in range(10)]
    assert set(first_of_permutation(items, 10, 1)) == set(items)


@pytest.mark.parametrize("n", [0, -1, 11])
def test_a_sample_that_cannot_be_is_refused(n: int) -> None:
    with pytest.raises(InvalidInputError, match=str(n)):
        first_of_permutation(range(10), n, 1)


@given(st.data(), SEEDS)
def test_places_are_those_of_the_permutation(data: st.DataObject, seed: int) -> None:
    count = data.draw(st.integers(1, 200))
    n = data.draw(st.integers(1, count))
    assert list(first_places(count, n, seed)) == first_of_permutation(range(count), n, seed)


@pytest.mark.parametrize("n", [0, -1, 11])
def test_places_that_cannot_be_are_refused(n: int) -> None:
    with pytest.raises(InvalidInputError, match=str(n)):
        first_places(10, n, 1)


def test_drawn_lines_come_in_the_order_of_the_permutation_and_as_often_as_asked() -> None:
    lines = [b"0\n", b" \n", b"1\n", b"\n", b"2\n", b"3"]
    with drawn(lines, 3, 7) as sample:
        expected = [(0, b"0\n"), (2, b"1\n"), (4, b"2\n"), (5, b"3\n")]
        places = [expected[place] for place in first_of_permutation(range(4), 3, 7)]
        assert list(sample) == list(sample) == [line for _, line in places]
        assert list(sample.numbers) == [place + 1 for place, _ in places]
        assert all(left == right for left, right in zip(sample, sample, strict=True))


@pytest.mark.parametrize("lines", [[b"0\n"], [b"0\n", b"1\n", b"2\n"]])
def test_lines_that_change_while_they_are_drawn_are_refused(lines: list[bytes]) -> None:
    readings = iter([[b"0\n", b"1\n"], lines])
    with (
        pytest.raises(InvalidInputError, match="changed"),
        drawn(Reread(lambda: iter(next(readings))), 2, 1),
    ):
        pass


def test_what_is_drawn_is_not_held_in_memory() -> None:
    def read() -> Iterator[bytes]:
        return (b"%d%s\n" % (number, b"x" * 2000) for number in range(5000))

    tracemalloc.start()
    try:
        with drawn(Reread(read), 4000, 1) as sample:
            assert sum(1 for _ in sample) == 4000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000  # of ten
    finally:
        tracemalloc.stop()
