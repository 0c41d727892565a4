"""A training as one file: metrics and the weights of its checkpoints, non-zero ones only.

The file is a NumPy archive: `head` (JSON bytes), and for checkpoint k `index-k` (differences of
the sorted indices, in 16 bits where they fit) and `weights-k`. It holds no line of the training
data.
"""

import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from tuneq_sandbox.learner.choice_model import ChoiceModel
from tuneq_sandbox.learner.hashing import Hashes
from tuneq_sandbox.learner.label_model import LabelModel
from tuneq_sandbox.learner.model import Model, Snapshot
from tuneq_sandbox.learner.training import Step, Training


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointMetrics:
    """A saved checkpoint without its weights."""

    step: Step
    full_valid_loss: float | None
    full_valid_accuracy: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingMetrics:
    """What a saved training reports."""

    steps: list[Step]
    checkpoints: list[CheckpointMetrics]
    """Oldest first; the last is the final model."""


def save_training(path: Path, training: Training) -> None:
    """Write the file, whole or not at all."""
    head = {
        "model": training.model.head,
        "steps": [asdict(step) for step in training.steps],
        "checkpoints": [
            {
                "step": item.step.number,
                "full_valid_loss": item.full_valid_loss,
                "full_valid_accuracy": item.full_valid_accuracy,
            }
            for item in training.checkpoints
        ],
    }
    arrays: dict[str, Any] = {"head": np.frombuffer(orjson.dumps(head), np.uint8)}
    for number, item in enumerate(training.checkpoints):
        arrays[f"index-{number}"] = _gaps(item.weights.index)
        arrays[f"weights-{number}"] = item.weights.weights
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".training-")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_metrics(path: Path) -> TrainingMetrics:
    """The metrics of a saved training.

    Raises:
        FileNotFoundError: there is no such file.
    """
    with np.load(path, allow_pickle=False) as archive:
        head = _read_head(archive)
    steps = [Step(**step) for step in head["steps"]]
    return TrainingMetrics(
        steps=steps,
        checkpoints=[
            CheckpointMetrics(
                step=steps[item["step"] - 1],
                full_valid_loss=item["full_valid_loss"],
                full_valid_accuracy=item["full_valid_accuracy"],
            )
            for item in head["checkpoints"]
        ],
    )


def load_model(path: Path, checkpoint: int) -> Model:
    """The model of one checkpoint, counted from 0.

    Raises:
        FileNotFoundError: there is no such file.
        KeyError: there is no such checkpoint.
    """
    with np.load(path, allow_pickle=False) as archive:
        head = _read_head(archive)
        snapshot = Snapshot(
            index=np.cumsum(archive[f"index-{checkpoint}"], dtype=np.uint32),
            weights=archive[f"weights-{checkpoint}"],
        )
    return restore(head["model"], snapshot)


def restore(head: dict[str, Any], snapshot: Snapshot) -> Model:
    """A model from its head and its weights."""
    if head["kind"] == "choice":
        return ChoiceModel.from_snapshot(head["form"], head["fallback"], snapshot)
    return LabelModel.from_snapshot(tuple(head["labels"]), snapshot)


def _gaps(index: Hashes) -> NDArray[np.uint16] | Hashes:
    gaps = np.diff(index, prepend=np.uint32(0))
    return gaps.astype(np.uint16) if gaps.max(initial=0) <= np.iinfo(np.uint16).max else gaps


def _read_head(archive: Any) -> dict[str, Any]:
    head: dict[str, Any] = orjson.loads(archive["head"].tobytes())
    return head
