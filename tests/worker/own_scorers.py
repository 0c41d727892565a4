"""Scorers as users write them, good and bad."""

import sys

from tuneq_worker.evaluation.samples import Sample

NOT_A_FUNCTION = 3
broken: set[int] = set()  # samples at which `frail` fails


def starts_alike(answer: str, sample: Sample, *, length: int = 3) -> bool | None:
    return answer[:length] == sample.target[:length] if answer else None


def first_option(answer: str, sample: Sample) -> tuple[bool, str]:
    found = next((choice for choice in sample.choices if choice in answer), "")
    return found == sample.target, found


def raises(answer: str, sample: Sample) -> bool:
    return 1 / (len(answer) - len(answer)) > 0


def leaves(answer: str, sample: Sample) -> bool:
    sys.exit(1)


def answers_a_word(answer: str, sample: Sample) -> str:
    return "right"


def tells_a_secret(answer: str, sample: Sample) -> bool:
    raise ValueError("password=hunter2hunter2")


def answers_half_a_pair(answer: str, sample: Sample) -> tuple[bool, str]:
    return True, "\ud800"


def raises_half_a_pair(answer: str, sample: Sample) -> bool:
    raise ValueError("\ud800")


class WordlessError(Exception):
    def __str__(self) -> str:
        raise ValueError


def raises_without_words(answer: str, sample: Sample) -> bool:
    raise WordlessError


async def asynchronous(answer: str, sample: Sample) -> bool:
    return True


def takes_too_little(answer: str) -> bool:
    return True


def frail(answer: str, sample: Sample) -> bool:
    if sample.index in broken:
        raise ValueError(f"sample {sample.index}")
    return bool(answer)
