"""The scorers that a worker has, for stages before an evaluation."""

from collections.abc import Mapping
from typing import Protocol

from pydantic import JsonValue

from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.evaluation import EvaluationSpec


class Scorers(Protocol):
    """What answers can be judged by here."""

    def require(self, scorer: str, options: Mapping[str, JsonValue]) -> None:
        """Look whether a scorer is to be had, with these options.

        Raises:
            InvalidInputError: it is not, and why.
        """
        ...

    def require_fit(self, spec: EvaluationSpec, data: DataRoot) -> None:
        """Look whether the dataset can be evaluated on like that.

        Raises:
            InvalidInputError: a line is no sample, or its target none that the scorer can read.
            NotFoundError: the dataset is not there.
        """
