"""Tokens counted in a model's own vocabulary."""

import pytest

from tuneq_shared.data import token_sample
from tuneq_shared.data.check import Source, check_datasets
from tuneq_shared.data.token_sample import SAMPLED, TokenSample
from tuneq_shared.data.vocabularies import count_tokens, vocabulary_of

pytest.importorskip("bpe_openai")


@pytest.mark.parametrize(
    ("model", "vocabulary"),
    [
        ("gpt-4.1-mini-2025-04-14", "o200k_base"),
        ("ft:gpt-4o-mini-2024-07-18:org:suffix:id", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-0613", "cl100k_base"),
        ("gpt-3.5-turbo-0125", "cl100k_base"),
        ("o3-mini", "o200k_base"),
        ("o3x", None),
        ("meta-llama/Llama-3.1-8B-Instruct", None),
        ("sandbox-base", None),
    ],
)
def test_models_and_their_vocabularies(model: str, vocabulary: str | None) -> None:
    assert vocabulary_of(model) == vocabulary


@pytest.mark.parametrize(
    ("text", "vocabulary", "tokens"),
    [
        ("hello world", "o200k_base", 2),
        ("hello world", "cl100k_base", 2),
        ("", "o200k_base", 0),
        ("\u4f60\u597d", "o200k_base", 1),
        ("\u4f60\u597d", "cl100k_base", 2),
        ("antidisestablishmentarianism", "o200k_base", 6),
    ],
)
def test_counts_are_those_of_the_vocabulary(text: str, vocabulary: str, tokens: int) -> None:
    assert count_tokens(text, vocabulary) == tokens


def offered(count: int, *, at_once: int) -> TokenSample:
    sample = TokenSample("o200k_base")
    texts = [[str(number), "yes"] for number in range(count)]
    for start in range(0, count, at_once):
        part = texts[start : start + at_once]
        sample.offer(len(part), part.__getitem__)
    return sample


def test_few_examples_are_all_counted() -> None:
    sample = TokenSample("o200k_base")
    sample.offer(2, lambda place: ["hello world", "yes"] if place else ["hello", "no"])
    assert sample.tokens(characters=99) == (1 + 1 + 11) + (2 + 1 + 11)  # 11 around two messages
    assert sample.method == "o200k_base"


def test_many_examples_are_estimated_closely_and_from_above(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(token_sample, "count_tokens", lambda text, _: len(text))
    count = 50_000
    characters = sum(len(f"{number}") + 3 for number in range(count))
    true = characters + 11 * count
    sample = offered(count, at_once=300)
    assert sample.method == "o200k_base, estimated from 1,000 lines"
    assert true <= sample.tokens(characters) <= 1.02 * true


def test_the_sample_does_not_depend_on_how_the_lines_come() -> None:
    one, other = offered(5000, at_once=7), offered(5000, at_once=5000)
    assert one.tokens(10**6) == other.tokens(10**6)


def test_every_example_has_the_same_chance() -> None:
    sample = offered(4 * SAMPLED, at_once=512)
    numbers = [int(texts[0]) for texts in sample._kept]
    assert len(set(numbers)) == SAMPLED
    for quarter in range(4):
        share = sum(number // SAMPLED == quarter for number in numbers)
        assert 180 < share < 320  # 250, give or take five standard deviations


def test_a_check_for_a_model_names_how_it_counted() -> None:
    line = (
        b'{"messages":[{"role":"user","content":"hello world"},'
        b'{"role":"assistant","content":"yes"}]}\n'
    )
    source = Source("t", [line] * 20)
    report = check_datasets(source, model="gpt-4.1-mini")
    assert (report.files[0].tokens, report.token_method) == (20 * 14, "o200k_base")
    assert check_datasets(source, model="llama").token_method == "characters/4"
