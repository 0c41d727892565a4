"""Nested random samples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneq_shared.data.sampling import first_of_permutation, order_key
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
