"""The two laws that are fitted to accuracy by the number of training samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, log2
from typing import Self

from tuneq_producer.statistics.line import Line, line_through


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a law expects, as fractions; none where that is not possible."""

    accuracy: float | None
    interval: tuple[float, float] | None  # 95 % of a further point


@dataclass(frozen=True, slots=True)
class LogFit:
    """Accuracy grows by the same with each doubling of the samples."""

    line: Line  # of accuracy as a fraction on log2(samples)

    @classmethod
    def of(cls, points: Sequence[tuple[int, float]]) -> Self:
        """The fit to samples and accuracies."""
        return cls(line_through([log2(n) for n, _ in points], [share for _, share in points]))

    @property
    def points_per_doubling(self) -> float:
        """Percentage points."""
        return 100 * self.line.slope

    @property
    def points_per_doubling_interval(self) -> tuple[float, float]:
        """95 %, percentage points."""
        low, high = self.line.slope_interval
        return 100 * low, 100 * high

    def at(self, samples: float) -> Predicted:
        """What it expects; nothing where the line has left 0 to 100 %."""
        expected = self.line.at(log2(samples))
        if not 0 <= expected <= 1:
            return Predicted(None, None)
        low, high = self.line.interval_at(log2(samples))
        return Predicted(expected, (max(0.0, low), min(1.0, high)))


@dataclass(frozen=True, slots=True)
class PowerFit:
    """The error is scale * samples ** -alpha."""

    line: Line  # of ln(error) on ln(samples)

    @classmethod
    def of(cls, points: Sequence[tuple[int, float]]) -> Self | None:
        """The fit to samples and accuracies; none where an error is zero."""
        if any(accuracy >= 1 for _, accuracy in points):
            return None
        errors = [log(1 - accuracy) for _, accuracy in points]
        return cls(line_through([log(n) for n, _ in points], errors))

    @property
    def alpha(self) -> float:
        """How fast the error falls."""
        return -self.line.slope

    @property
    def scale(self) -> float:
        """The error of one sample, as a fraction; above 1 for most data."""
        return exp(self.line.intercept)

    @property
    def ratio_per_doubling(self) -> float:
        """What a doubling of the samples leaves of the error."""
        return float(2**self.line.slope)

    def at(self, samples: float) -> Predicted:
        """What it expects; nothing where the error has passed 100 %."""
        expected = 1 - exp(self.line.at(log(samples)))
        if expected < 0:
            return Predicted(None, None)
        low, high = self.line.interval_at(log(samples))
        return Predicted(expected, (1 - exp(min(0.0, high)), 1 - exp(low)))
