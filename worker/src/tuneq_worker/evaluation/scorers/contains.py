"""The scorer `contains`: the target stands in the answer."""

from tuneq_shared.domain.scoring import ContainsOptions
from tuneq_worker.evaluation.samples import Sample
from tuneq_worker.evaluation.scorers.score import Score, Scorer, judged


def contains_scorer(options: ContainsOptions) -> Scorer:
    """Right is an answer in which the target stands, stripped, and not within a longer word."""

    def score(answer: str, sample: Sample) -> Score:
        target = sample.target.strip()
        if options.ignore_case:
            answer, target = answer.casefold(), target.casefold()
        right = _stands_in(answer, target)
        return judged(right=right, parsed=target if right else None)

    return score


def _stands_in(text: str, part: str) -> bool:
    if not part:
        return False
    place = text.find(part)
    while place >= 0:
        end = place + len(part)
        cut_before = place > 0 and text[place - 1].isalnum() and part[0].isalnum()
        cut_after = text[end : end + 1].isalnum() and part[-1].isalnum()
        if not cut_before and not cut_after:
            return True
        place = text.find(part, place + 1)
    return False
