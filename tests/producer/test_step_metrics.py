"""Step metrics: what they show of a training, and what went wrong in it."""

import json
import math
from collections.abc import Callable, Sequence

import pytest
from click.testing import CliRunner
from tests.producer.filled_store import put_run, run_of

from tuneq_producer.client import Client
from tuneq_producer.commands.show import show
from tuneq_producer.step_metrics.reading import summarised
from tuneq_producer.step_metrics.summary import StepMetrics
from tuneq_shared.domain.lifecycle import RunStage

Value = Callable[[int], float | None]

FOLDER = "runs/r/ftjob-1"


def noise(step: int) -> float:
    """Of a batch: without a pattern, the same each time, of sd 0.7."""
    return math.sin(step * step * 12.9898)


def falling(step: int) -> float:
    return 0.5 + 2 * math.exp(-step / 40)


def rows(steps: int, every: int = 1, **values: Value) -> list[dict[str, float | None]]:
    """Training in each step; validation (its name begins with valid) only in some."""
    return [
        {
            "step": step,
            **{
                name: value(step)
                for name, value in values.items()
                if name.startswith("train") or step % every == 0
            },
        }
        for step in range(1, steps + 1)
    ]


def found(metrics: StepMetrics) -> list[tuple[str, int]]:
    return [(each.code, each.step) for each in metrics.warnings]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (rows(200, train_loss=falling), []),
        (rows(200, train_loss=lambda s: falling(s) + 0.3 * noise(s)), []),
        (rows(3, train_loss=float), []),  # too few to judge
        (rows(40, train_loss=lambda s: 1.0 + 0.001 * noise(s)), [("flat", 1)]),
        (rows(40, train_loss=lambda _: 0.0), [("flat", 1)]),
        (rows(100, train_loss=lambda s: 2 - 0.01 * s if s < 60 else 0.04 * s), [("diverging", 63)]),
        (rows(50, train_loss=lambda s: 1 + 0.1 * s), [("diverging", 8)]),
        (
            rows(100, train_loss=lambda s: falling(s) if s < 70 else None),
            [("missing", 70)],
        ),
        (
            rows(100, train_loss=lambda s: None if s == 31 else falling(s)),
            [("missing", 31)],
        ),
        (rows(20, train_accuracy=lambda _: 0.5), [("missing", 20)]),
        (
            rows(200, 10, train_loss=falling, valid_loss=lambda s: 1 + abs(s - 100) / 100),
            [("overfit", 100)],
        ),
        (rows(200, 10, train_loss=falling, valid_loss=lambda s: falling(s) + 0.1), []),
        (  # validation rises, but training has stopped falling: it diverges, and is no overfit
            rows(200, 10, train_loss=lambda s: 2 + s / 50, valid_loss=lambda s: 2 + s / 50),
            [("diverging", 43)],
        ),
        (  # three epochs, each with the whole validation file
            [
                *rows(90, train_loss=falling),
                *({"step": 30 * n, "full_valid_loss": v} for n, v in enumerate((1, 0.8, 1.1), 1)),
            ],
            [("overfit", 60)],
        ),
        (  # validation steps of their own need no training loss
            [*rows(40, train_loss=falling), {"step": 41, "valid_loss": 0.9}],
            [],
        ),
    ],
)
def test_warnings_name_the_step(
    given: Sequence[dict[str, float | None]], expected: list[tuple[str, int]]
) -> None:
    metrics = summarised(given)
    assert found(metrics) == expected
    for trouble in metrics.warnings:
        assert f" {trouble.step}" in trouble.message


def test_noise_alone_is_no_news() -> None:
    """Neither training nor a validation of few samples a step goes anywhere for good."""
    for start in range(0, 4000, 200):
        shifted = rows(
            200,
            10,
            train_loss=lambda s, start=start: falling(s) + 0.4 * noise(s + start),  # type: ignore[misc]
            valid_loss=lambda s, start=start: 1.5 + 0.4 * noise(s + start),  # type: ignore[misc]
        )
        assert found(summarised(shifted)) == []


def test_the_last_values_and_the_curve() -> None:
    metrics = summarised(rows(1000, 300, train_loss=float, valid_accuracy=lambda s: s / 1000))
    assert (metrics.steps, metrics.first_step, metrics.last_step) == (1000, 1, 1000)
    loss, accuracy = metrics.last["train_loss"], metrics.last["valid_token_accuracy"]
    assert (loss.step, loss.value, loss.smoothed) == (1000, 1000.0, 950.5)
    assert (accuracy.step, accuracy.value) == (900, 0.9)
    assert metrics.last.keys() == {"train_loss", "valid_token_accuracy"}
    assert len(metrics.curve) == 50
    first, last = metrics.curve[0], metrics.curve[-1]
    assert (first.step, first.valid_token_accuracy) == (20, None)
    assert (last.step, last.valid_token_accuracy, last.valid_loss) == (1000, 0.9, None)


def test_show_tells_of_them(client: Client) -> None:
    told = rows(
        100,
        train_loss=lambda s: falling(s) if s < 70 else None,
        train_accuracy=lambda _: 0.9,
    )
    with client.data.write(f"{FOLDER}/result-1.metrics.jsonl") as file:
        file.writelines(json.dumps(row).encode() + b"\n" for row in told)
    with client.data.write(f"{FOLDER}/broken.metrics.jsonl") as file:
        file.write(b"{}\n")
    names = ("events.jsonl", "gone.metrics.jsonl", "broken.metrics.jsonl", "result-1.metrics.jsonl")
    run = run_of("one", RunStage.SUCCEEDED, artifacts=tuple(f"{FOLDER}/{name}" for name in names))
    put_run(client, run)
    result = CliRunner().invoke(show, ["g/one", "--json"])
    assert "the step metrics are gone; see data:runs/r/ftjob-1/gone.metrics.jsonl" in result.stderr
    assert "the step metrics are damaged" in result.stderr
    metrics = json.loads(result.stdout)["step_metrics"]
    assert metrics["last"]["train_token_accuracy"] == {"step": 100, "value": 0.9, "smoothed": 0.9}
    (warning,) = metrics["warnings"]
    assert (warning["code"], warning["step"]) == ("missing", 70)
    shown = CliRunner(env={"COLUMNS": "80"}).invoke(show, ["g/one"]).stdout
    assert "token acc. %" in shown
    assert "warning: the training loss is missing or no number in 31 of 100 steps" in shown


def test_a_run_without_them_says_nothing(client: Client) -> None:
    put_run(client, run_of("one", RunStage.SUCCEEDED))
    result = CliRunner().invoke(show, ["g/one", "--json"])
    assert json.loads(result.stdout)["step_metrics"] is None
    assert "Training" not in CliRunner().invoke(show, ["g/one"]).stdout
