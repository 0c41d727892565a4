"""Features of each option of a multiple-choice prompt.

What an option says alone (words, pairs, length, overlap with question and context), the same
crossed with the kind of question, and every late word of the question and context crossed with
the words that only this option has: the crosses are what makes ScienceQA learnable.
"""

from dataclasses import dataclass

import numpy as np

from tuneq_sandbox.learner.hashing import Hashes, cross, hash_word, hash_words, mark, words
from tuneq_sandbox.learner.options import MultipleChoice

QUESTION_TAIL = 40
CONTEXT_TAIL = 60
CONTEXT_WORDS = 12
"""Of an option's own words, how many are crossed with the context."""
SKELETON_LENGTH = 60
OVERLAP_STEPS = 4


@dataclass(frozen=True, slots=True)
class _Prompt:
    question: frozenset[str]
    context: frozenset[str]
    templates: Hashes
    question_tail: Hashes
    context_tail: Hashes


def choice_features(choice: MultipleChoice, mask: int) -> list[Hashes]:
    """For each option the sorted, distinct feature indices, each at most `mask`."""
    prompt = _read_prompt(choice)
    tokens = [words(option.text) for option in choice.options]
    lowered = [[word.lower() for word in option] for option in tokens]
    lengths = [len(option) for option in tokens]
    features = []
    for index, option in enumerate(choice.options):
        rest = [other for other in range(len(tokens)) if other != index]
        others = {word for other in rest for word in tokens[other]}
        other_words = {word for other in rest for word in lowered[other]}
        own = dict.fromkeys(word for word in lowered[index] if word not in other_words)
        flags = [
            f"longest {lengths[index] == max(lengths)} shortest {lengths[index] == min(lengths)}",
            f"in context {_share(lowered[index], prompt.context)}",
            f"in question {_share(lowered[index], prompt.question)}",
            f"letter {option.letter}",
            f"text {option.text.lower()}",
        ]
        seen = prompt.context | prompt.question
        alone = [
            f"letter {option.letter} of {len(tokens)}",
            f"own words seen {_share(list(own), seen)}",
        ]
        hashes = hash_words(lowered[index])
        base = np.concatenate(
            [
                hash_words(flags),
                mark("word", hashes),
                mark("own", hash_words([word for word in tokens[index] if word not in others])),
                cross("pair", hashes[:-1], hashes[1:]),
            ]
        )
        own_words = hash_words(list(own))
        flat = np.concatenate(
            [
                base,
                hash_words(alone),
                cross("kind", prompt.templates[:, None], base).ravel(),
                cross("question", prompt.question_tail[:, None], own_words).ravel(),
                cross("context", prompt.context_tail[:, None], own_words[:CONTEXT_WORDS]).ravel(),
            ]
        )
        features.append(np.unique(flat & np.uint32(mask)))
    return features


def _read_prompt(choice: MultipleChoice) -> _Prompt:
    question = words(choice.question)
    first_line = words(choice.question.split("\n", 1)[0])
    # Names and capitals vary within one kind of question; the small words do not.
    skeleton = " ".join(word for word in first_line if word.islower() or not word.isalpha())
    low_question = [word.lower() for word in question]
    low_context = [word.lower() for word in words(choice.context)]
    templates = [
        "start " + " ".join(first_line[:3]),
        "skeleton " + skeleton[:SKELETON_LENGTH],
    ]
    return _Prompt(
        question=frozenset(low_question),
        context=frozenset(low_context),
        templates=np.array([hash_word(item) for item in templates], np.uint32),
        question_tail=hash_words(list(dict.fromkeys(low_question[-QUESTION_TAIL:]))),
        context_tail=hash_words(list(dict.fromkeys(low_context[-CONTEXT_TAIL:]))),
    )


def _share(option: list[str], seen: frozenset[str]) -> int:
    distinct = set(option)
    return int(OVERLAP_STEPS * len(distinct & seen) / max(1, len(distinct)))
