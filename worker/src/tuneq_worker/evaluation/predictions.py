"""Predictions: what was asked and answered, a line a sample, kept as artifacts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.evaluation import Counts, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One sample's answer and what became of it."""

    sample: int  # its place in the dataset, from 0
    messages: str  # sha256 of the messages that were sent
    answer: str | None  # none where there is no answer
    parsed: str | None
    target: str
    outcome: Outcome
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latency_s: float = 0.0  # of the attempt that was answered
    label: str | None = None
    subject: str | None = None
    error: str | None = None
    cached: bool = False  # the answer was there already: it was not asked for
    fields: Mapping[str, bool] | None = None  # whether each of the target's was right, as JSON


_ROW = TypeAdapter(Prediction)


def write_predictions(data: DataRoot, path: str, rows: Iterable[Prediction]) -> None:
    """Write JSON lines; the file appears whole."""
    with data.write(path) as file:
        for row in rows:
            file.write(_ROW.dump_json(row) + b"\n")


def read_predictions(data: DataRoot, path: str) -> Iterator[Prediction]:
    """Read what `write_predictions` wrote."""
    with data.read(path) as file:
        for line in file:
            yield _ROW.validate_json(line)


def count(rows: Iterable[Prediction]) -> Counts:
    """The outcomes, counted apart."""
    outcomes = dict.fromkeys(Outcome, 0)
    strict = prompt_tokens = completion_tokens = cached = 0
    for row in rows:
        outcomes[row.outcome] += 1
        strict += row.answer == row.target
        prompt_tokens += row.prompt_tokens
        completion_tokens += row.completion_tokens
        cached += row.cached
    return Counts(
        **{outcome.value: n for outcome, n in outcomes.items()},
        strict=strict,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cached=cached,
    )
