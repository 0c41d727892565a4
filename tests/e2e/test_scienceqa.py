"""The published experiment on the real problems, smaller: it shows what the full table shows."""

import json
from pathlib import Path

from tests.e2e.site import tuneq, tuneq_up

EXPECTED = {50: 0.49, 500: 0.60, 2500: 0.73}
LIMIT = 1000


def test_accuracy_rises_as_in_the_experiment(reference_data: Path, tmp_path: Path) -> None:
    source, out = reference_data / "scienceqa", tmp_path / "data"
    prepared = tuneq(
        "prepare", "scienceqa", source, "--out", out, "--split", "train", "--split", "val"
    )
    assert prepared.returncode == 0, prepared.stderr
    requests = [
        {
            "name": f"n{n}",
            "group": "scienceqa",
            "model": "sandbox-base",
            "training_file": "data/train.jsonl",
            "samples": {"n": n, "seed": 1},
            "seed": 1,
            "method": {"supervised": {"hyperparameters": {"n_epochs": 3}}},
            "evaluation": {
                "dataset": "data/val.jsonl",
                "scorer": "choice",
                "max_tokens": 8,
                "limit": LIMIT,
                "baselines": [{"model": "sandbox-base", "shots": 1}],
            },
        }
        for n in EXPECTED
    ]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(r) + "\n" for r in requests))
    with tuneq_up(tmp_path / "up") as ready:
        config = Path(ready["config"])
        assert tuneq("submit", "--manifest", tmp_path / "m.jsonl", config=config).returncode == 0
        assert (
            tuneq("wait", "--group", "scienceqa", "--timeout", 200, config=config).returncode == 0
        )
        report = json.loads(tuneq("report", "scienceqa", "--json", config=config).stdout)
        listed = json.loads(tuneq("ls", "--group", "scienceqa", "--json", config=config).stdout)
    accuracy = {run["samples"]: run["accuracy"] for run in listed["runs"]}
    for n, expected in EXPECTED.items():
        assert abs(accuracy[n] - expected) < 0.05, accuracy
    assert accuracy[50] < accuracy[500] < accuracy[2500]
    (baseline,) = report["baselines"]
    assert baseline["samples"] == LIMIT
    assert baseline["accuracy"] < accuracy[2500]
    reused = [
        e["reused"] for run in report["runs"] for e in run["evaluations"] if e["role"] == "baseline"
    ]
    assert sorted(reused) == [False, True, True]
