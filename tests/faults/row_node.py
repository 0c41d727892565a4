"""A Node process submits requests with garbage between them, twice, while workers are killed."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.e2e.node_example import install
from tests.faults.dose import Dose
from tests.faults.killing import Killer
from tests.faults.orders import MODEL
from tests.faults.site import TRAINING_LINES, Site
from tests.faults.verdict import Expected, Result, judge
from tests.faults.workers import RUNS
from tests.sandbox.provider_server import chat_lines

from tuneq_shared.redis_store.requests import rejected_key, requests_key

GROUP = "node"
SECRET = "hidden-value"
GARBAGE = ("not JSON", "[]", '{"model": "m"}', json.dumps({"api_key": SECRET}))
EVERY = 5  # after so many requests one piece of garbage
SEND_TIMEOUT_S = 120.0


def node(dose: Dose) -> Result:
    install(dose.folder / "example")
    with Site(dose.folder / "site") as site:
        prefix = site.client.settings.key_prefix
        sets = site.folder / "data" / "sets"
        sets.mkdir(parents=True)
        (sets / "train.jsonl").write_bytes(chat_lines(TRAINING_LINES))
        lines = list(_lines(dose.runs))
        site.workers.start(RUNS, RUNS)
        site.workers.await_ready()
        killer = Killer(site)
        sender = _sender(site, dose.folder / "example")
        half = len(lines) // 2
        _write(sender, lines[:half])
        killer.strike()
        _finish(sender, lines[half:])
        _finish(_sender(site, dose.folder / "example"), lines)
        killer.strike()
        site.await_that("all should be read", lambda: not site.raw.xlen(requests_key(prefix)))
        site.runs = site.client.catalogue.run_ids(GROUP)
        killer.work()
        raw: Any = site.raw  # redis-py types the answers of its sync and async clients as one
        rejected = [told for _, told in raw.xrange(rejected_key(prefix))]
        broken = _judged(rejected, 2 * (len(lines) - dose.runs))
        if len(site.runs) != dose.runs:
            broken.append(f"{len(site.runs)} runs instead of {dose.runs}")
        notes = f"{killer.kills} kills, {len(rejected)} pieces of garbage refused with reasons"
        return judge(site, Expected(jobs=dose.runs, uploads=1), notes, *broken)


def _lines(count: int) -> Iterator[str]:
    for n in range(count):
        yield json.dumps(
            {
                "model": MODEL,
                "training_file": "data:sets/train.jsonl",
                "group": GROUP,
                "name": f"run-{n:04}",
                "samples": {"n": 12},
                "seed": n,
                "idempotency_key": f"order-{n}",
            }
        )
        if n % EVERY == 0:
            yield GARBAGE[n // EVERY % len(GARBAGE)]


def _judged(rejected: list[dict[str, str]], wanted: int) -> list[str]:
    broken = []
    if len(rejected) != wanted:
        broken.append(f"{len(rejected)} refusals instead of {wanted}")
    if not all(told["reason"] and told["hint"] for told in rejected):
        broken.append("a refusal gives no reason")
    if SECRET in str(rejected):
        broken.append("a refusal quotes a secret")
    return broken


def _sender(site: Site, example: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["node", "submit.mjs"],
        cwd=example,
        env={**os.environ, "TUNEQ_REDIS_URL": site.redis.url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _write(sender: Any, lines: list[str]) -> None:
    sender.stdin.write("\n".join(lines) + "\n")
    sender.stdin.flush()


def _finish(sender: "subprocess.Popen[str]", lines: list[str]) -> None:
    said, _ = sender.communicate("\n".join(lines) + "\n", timeout=SEND_TIMEOUT_S)
    assert sender.returncode == 0, said
