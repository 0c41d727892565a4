"""Print a manifest of the ScienceQA experiment: six sample sizes, several seeds, one baseline.

tuneq prepare scienceqa ScienceQA/data/scienceqa --out data --split train --split val
python examples/scienceqa.py data > manifest.jsonl
tuneq submit --manifest manifest.jsonl && tuneq watch --group scienceqa && tuneq report scienceqa
"""

import argparse
import json
from pathlib import Path
from typing import Any

SIZES = (50, 100, 500, 1000, 2500, 5000)


def request(data: Path, model: str, size: int, seed: int) -> dict[str, Any]:
    """One fine-tune on `size` samples, evaluated on the whole validation split."""
    return {
        "name": f"samples-{size}-seed-{seed}",
        "group": "scienceqa",
        "model": model,
        "training_file": str((data / "train.jsonl").resolve()),
        "seed": seed,
        "samples": {"n": size, "seed": seed},
        "method": {"supervised": {"hyperparameters": {"n_epochs": 3}}},
        "evaluation": {
            "dataset": str((data / "val.jsonl").resolve()),
            "scorer": "choice",
            "max_tokens": 8,
            "baselines": [{"model": model, "shots": 1}],
        },
    }


def main() -> None:
    """Print one JSON line for each size and seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder that `tuneq prepare` wrote")
    parser.add_argument("--model", default="sandbox-base")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    for seed in range(1, options.seeds + 1):
        for size in SIZES:
            print(json.dumps(request(options.data, options.model, size, seed)))


if __name__ == "__main__":
    main()
