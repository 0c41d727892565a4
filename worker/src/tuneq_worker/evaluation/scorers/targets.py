"""Samples whose right answers the scorer itself can read."""

from collections.abc import Iterator

from tuneq_shared.data.json_fields import NoJsonError
from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.evaluation import EvaluationSpec, Outcome
from tuneq_shared.errors import InvalidInputError
from tuneq_worker.evaluation.samples import Sample, read_samples
from tuneq_worker.evaluation.scorers.score import Scorer

# What a target is that is not right as an answer, by scorer: no answer could ever be.
_UNFIT = {"choice": "no choice", "json": "no JSON", "numeric": "no number"}


def is_particular(spec: EvaluationSpec) -> bool:
    """Whether the lines of a dataset may be well for others, and not for this evaluation."""
    return spec.scorer in _UNFIT or spec.prompt is not None


def fit_samples(spec: EvaluationSpec, scorer: Scorer, data: DataRoot) -> Iterator[Sample]:
    """All samples, each after a look at it.

    Raises:
        InvalidInputError: a line is no sample, or its target none that the scorer can read.
        NotFoundError: the dataset is not there.
    """
    unfit = _UNFIT.get(spec.scorer)
    for number, sample in enumerate(read_samples(spec, data), 1):
        if unfit and not _is_right(sample.target, sample, scorer):
            raise InvalidInputError(
                f"{spec.dataset}: the target of sample {number} is {unfit}: {sample.target[:40]!r}"
            )
        yield sample


def _is_right(answer: str, sample: Sample, scorer: Scorer) -> bool:
    try:
        return scorer(answer, sample).outcome is Outcome.CORRECT
    except NoJsonError:
        return False
