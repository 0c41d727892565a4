"""Hundreds of requests by manifest: as many runs, as many jobs."""

import json
import urllib.request
from pathlib import Path
from typing import Any

from tests.e2e.site import tuneq, tuneq_up

RUNS = 200


def test_every_request_makes_one_job(tmp_path: Path) -> None:
    lines = [_line(n) for n in range(60)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    requests = [
        {
            "name": f"run-{n}",
            "group": "bulk",
            "model": "sandbox-base",
            "training_file": "train.jsonl",
            "samples": {"n": 10 + n % 40, "seed": n},
            "seed": n,
        }
        for n in range(RUNS)
    ]
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(request) + "\n" for request in requests))
    with tuneq_up(tmp_path / "up", "--workers", 2, "--evaluators", 0) as ready:
        config = Path(ready["config"])
        submitted = tuneq("submit", "--manifest", manifest, "--json", config=config)
        assert submitted.returncode == 0, submitted.stderr
        made = [json.loads(line) for line in submitted.stdout.splitlines()]
        assert len({row["run"] for row in made}) == RUNS
        assert all(row["created"] for row in made)
        waited = tuneq("wait", "--group", "bulk", "--timeout", 240, config=config)
        assert waited.returncode == 0, waited.stderr
        again = tuneq("submit", "--manifest", manifest, "--json", config=config)
        assert not any(json.loads(line)["created"] for line in again.stdout.splitlines())
        stats = _stats(ready["sandbox_url"], tmp_path / "up" / "sandbox.key")
    assert stats["jobs"] == RUNS
    assert stats["requests"]["POST /v1/fine_tuning/jobs"] == RUNS


def _line(n: int) -> dict[str, Any]:
    question = f"Is {n} even?"
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": "no" if n % 2 else "yes"},
        ]
    }


def _stats(url: str, key: Path) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - loopback, http
        url.removesuffix("/v1") + "/sandbox/stats",
        headers={"Authorization": f"Bearer {key.read_text().strip()}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
        stats: dict[str, Any] = json.load(answer)
        return stats
