"""What the rows ask for: many small runs."""

from collections.abc import Iterator

from tuneq_shared.domain.request import Baseline, EvaluationRequest, FineTuneRequest, Samples

MODEL = "sandbox-base"
CONTENTS = 8
"""Different training files, at most: each is shared by many runs."""


def orders(
    count: int,
    *,
    model: str = MODEL,
    lines: int | None = None,
    samples: int | None = None,
    baseline: bool = False,
) -> Iterator[FineTuneRequest]:
    """Requests of so many training lines, by default 12 to 19, evaluated on so many samples."""
    evaluation = None
    if samples is not None:
        baselines = (Baseline(model=model),) if baseline else ()
        evaluation = EvaluationRequest(dataset="test.jsonl", limit=samples, baselines=baselines)
    for number in range(count):
        yield FineTuneRequest(
            model=model,
            training_file="train.jsonl",
            group="bench",
            name=f"run-{number:04}",
            samples=Samples(n=lines or 12 + number % CONTENTS),
            evaluation=evaluation,
            seed=1,
        )


def contents(count: int) -> int:
    """How many files so many of these requests need at the provider."""
    return min(count, CONTENTS)
