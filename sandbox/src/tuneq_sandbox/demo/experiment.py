"""The published experiment in small: which data, which runs, and the commands that make them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tuneq_sandbox.demo.problems import write_problems
from tuneq_shared.errors import InvalidInputError

GROUP = "demo"
EPOCHS = 3
_SEED = 1
_MADE_UP_TRAIN, _MADE_UP_VAL = 800, 400
_MADE_UP_SIZES = (50, 100, 200, 400, 800)
_PUBLISHED_SIZES = (50, 100, 500, 1000, 2500, 5000)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A folder, and where its problems come from."""

    folder: Path
    data: Path | None  # the official ScienceQA files; none is a made-up set
    model: str  # to tune, and to compare with

    def source(self) -> Path:
        """The problems to prepare, made where they are to be made up."""
        if self.data is not None:
            return self.data
        made = self.folder / "problems"
        write_problems(made, train=_MADE_UP_TRAIN, val=_MADE_UP_VAL, seed=_SEED)
        return made

    def manifest(self, prepared: Path) -> Path:
        """Write one request for each sample size, each with the same one-shot baseline."""
        rows = map(self._request, self._sizes(prepared))
        path = self.folder / "manifest.jsonl"
        path.write_bytes(b"".join(orjson.dumps(r, option=orjson.OPT_APPEND_NEWLINE) for r in rows))
        return path

    def _sizes(self, prepared: Path) -> Sequence[int]:
        if self.data is None:
            return _MADE_UP_SIZES
        with (prepared / "train.jsonl").open("rb") as lines:
            available = sum(1 for _ in lines)
        sizes = [size for size in _PUBLISHED_SIZES if size <= available]
        if not sizes:
            raise InvalidInputError(
                f"{self.data} has only {available} training problems",
                hint=f"the smallest sample takes {_PUBLISHED_SIZES[0]}",
            )
        return sizes

    def _request(self, size: int) -> dict[str, Any]:
        return {
            "name": f"samples-{size}",
            "group": GROUP,
            "model": self.model,
            "training_file": "prepared/train.jsonl",
            "suffix": f"samples-{size}",
            "seed": _SEED,
            "method": {"supervised": {"hyperparameters": {"n_epochs": EPOCHS}}},
            "samples": {"n": size, "seed": _SEED},
            "evaluation": {
                "dataset": "prepared/val.jsonl",
                "scorer": "choice",
                "max_tokens": 8,
                "baselines": [{"model": self.model, "shots": 1}],
            },
        }
