"""The provider echoes the account's key wherever it can, and much else goes wrong."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import SkipTest

from tests.e2e.site import tuneq
from tests.faults.dose import Dose
from tests.faults.key_search import in_files, in_process_list, in_redis
from tests.faults.lane import start_obedient
from tests.faults.orders import MODEL
from tests.faults.row_unanswered import CREATION
from tests.faults.site import Site
from tests.faults.verdict import Expected, Result, judge
from tests.sandbox.provider_server import KEY, chat_lines

from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.request import EvaluationRequest, FineTuneRequest
from tuneq_shared.redis_store.requests import rejected_key, send_request

PIECE = KEY[:12]  # what is cut off in the middle is still too much
WORDS = "cannot be served"
ECHO = f"Your request {{'Authorization': 'Bearer {KEY}'}} with key {KEY} {WORDS}"
LISTING = {"method": "GET", "path": "/v1/fine_tuning/jobs*"}
CRASH = "crash before run collecting: write 1"
CODES = ["***", "evaluation_incomplete", "job_failed", None]


def key(dose: Dose) -> Result:
    if not Path("/proc/self/cmdline").exists():
        raise SkipTest("there is no /proc to look for processes in")
    orders = dose.folder / "orders"
    orders.mkdir()
    (orders / "order").write_text(CRASH)
    with Site(dose.folder, request_timeout_s=1.0) as site:
        start_obedient(site, orders, "--loglevel", "DEBUG")
        _suffer(site)
        said = _read_all(site)
        stages = dict(zip(site.runs, [RunStage.FAILED] * 3 + [RunStage.CREATING], strict=True))
        expected = Expected(jobs=2, uploads=2, stages=stages)
        found = list(_found(site, said))
        return judge(site, expected, "searched everywhere", *_untouched(site, said), *found)


def _found(site: Site, said: str) -> Iterator[str]:
    """Where the key stands."""
    for place in (
        *in_redis(site.redis.url, PIECE),
        *in_files(site.folder / "logs", PIECE),
        *in_files(site.folder / "data", PIECE),
        *in_process_list(PIECE),
    ):
        yield f"the key is in {place}"
    if PIECE in said:
        yield "the key is in what a command says"


def _untouched(site: Site, said: str) -> Iterator[str]:
    """What did not go wrong, though it should have."""
    logs = "".join(log.read_text() for log in (site.folder / "logs").rglob("*.log"))
    if "CrashError" not in logs:
        yield "no stage crashed"
    if "Sending HTTP Request" not in logs:
        yield "the SDK did not speak at DEBUG"
    if WORDS not in said or not list(in_redis(site.redis.url, WORDS)):
        yield "the provider's words were not kept"
    codes = [run.failure and run.failure.code for run in site.look(site.runs)]
    if codes != CODES:
        yield f"the runs failed with {codes}"


def _echo(status: int, **fields: Any) -> dict[str, Any]:
    return {"kind": "error", "status": status, "message": ECHO, "code": KEY, "type": KEY, **fields}


def _suffer(site: Site) -> None:
    """Everything goes wrong once."""
    prefix = site.client.settings.key_prefix
    for garbage in (
        json.dumps({"model": MODEL, "training_file": "data:x", "api_key": KEY}),
        json.dumps({"model": MODEL, "training_file": KEY}),
        json.dumps({"model": MODEL, "training_file": f"data:sets/{KEY}.jsonl"}),
        json.dumps({"model": {"name": KEY}, KEY: [KEY]}),
        f"curl -H 'Authorization: Bearer {KEY}'",
    ):
        send_request(site.raw, prefix, garbage.encode())
    with site.provider.client() as client:
        bad = client.files.create(file=("bad.jsonl", chat_lines(3)), purpose="fine-tune").id
    site.provider.set_faults(
        _echo(500, method="POST", path="/v1/files", times=1),
        _echo(429, **LISTING, times=1, headers={"retry-after-ms": "200"}),
        _echo(500, **LISTING, times=1),
        _echo(400, **CREATION),
    )
    site.submit([_request("refused")])
    site.await_end()
    site.provider.set_faults(
        {"kind": "malformed", "method": "GET", "path": "/v1/fine_tuning/jobs/*", "times": 1},
        _echo(400, path="/v1/chat/completions"),
    )
    scored = EvaluationRequest(dataset="test.jsonl", limit=4)
    site.submit([_request("evaluated", evaluation=scored), _request("hopeless", bad)])
    site.await_end()
    site.await_that("requests should be refused", lambda: site.raw.xlen(rejected_key(prefix)) == 5)
    site.provider.set_faults(_echo(401))
    site.submit([_request("late")])
    account = account_id("sandbox")
    site.await_that("the account should stop", lambda: _stage(site, account) == "stopped")


def _request(name: str, file: str = "train.jsonl", **fields: Any) -> FineTuneRequest:
    return FineTuneRequest(model=MODEL, training_file=file, group="bench", name=name, **fields)


def _read_all(site: Site) -> str:
    """What every command that reads says; the one with the key speaks at length."""
    words: list[tuple[object, ...]] = [
        ("submit", "--train", "none.jsonl", "--model", MODEL),
        ("ls", "--json"),
        ("doctor", "--json"),
        ("reconcile", "--json"),
        ("report", "bench", "--json"),
        ("events", site.runs[0], "--json"),
        *(("show", run, "--json") for run in site.runs),
    ]
    found = {"config": site.folder / "tuneq.toml", "cwd": site.folder}
    loud = {"OPENAI_LOG": "debug"}
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda each: tuneq(*each, **found, more=loud), words))
    return "".join(each.stdout + each.stderr for each in done)


def _stage(site: Site, item: Any) -> str:
    (record,) = site.client.catalogue.read([item])
    return record.stage if record else ""
