"""How long examples are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneq_shared.data import lengths as lengths_module
from tuneq_shared.data.lengths import Lengths
from tuneq_shared.data.tokens import tokens_of_characters

SIZES = st.lists(st.lists(st.integers(0, 10**6), max_size=5), max_size=5)


@given(SIZES, st.integers(1, 10))
def test_the_sums_are_exact_also_where_lengths_are_rounded(
    batches: list[list[int]], most: int
) -> None:
    lengths = Lengths()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lengths_module, "_MOST_SIZES", most)
        for batch in batches:
            lengths.add(batch)
    sizes = sorted(size for batch in batches for size in batch)
    assert lengths.characters == sum(sizes)
    assert lengths.tokens == sum(map(tokens_of_characters, sizes))
    spread = lengths.spread(lengths.characters)  # a token for each character
    if not sizes:
        assert spread is None
        return
    assert spread is not None
    middle = max(sizes[(len(sizes) - 1) // 2], 1)
    assert spread["p50"] == pytest.approx(middle, rel=0.005)
    assert spread["max"] == pytest.approx(max(sizes[-1], 1), rel=0.005)
    assert sum(part["examples"] for part in spread["histogram"]) == len(sizes)


def test_quantiles_and_histogram_are_of_tokens() -> None:
    lengths = Lengths()
    lengths.add([*range(4, 404, 4)])  # 1 to 100 tokens
    assert lengths.spread(lengths.tokens) == {
        "min": 1,
        "p5": 5,
        "p25": 25,
        "p50": 50,
        "p75": 75,
        "p95": 95,
        "p99": 99,
        "max": 100,
        "mean": 50.5,
        "histogram": [
            {"from": 1, "to": 1, "examples": 1},
            {"from": 2, "to": 3, "examples": 2},
            {"from": 4, "to": 7, "examples": 4},
            {"from": 8, "to": 15, "examples": 8},
            {"from": 16, "to": 31, "examples": 16},
            {"from": 32, "to": 63, "examples": 32},
            {"from": 64, "to": 127, "examples": 37},
        ],
    }
