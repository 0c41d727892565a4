"""Collecting: what the provider tells of a finished job, kept as artifacts."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import quote

import orjson

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Run
from tuneq_shared.settings import Account
from tuneq_worker.ports.provider import Provider, ProviderError
from tuneq_worker.ports.stage import Advance, Lease, Ports, StageResult
from tuneq_worker.recovery import attempts
from tuneq_worker.stages.cost import billed_cost

T = TypeVar("T")

_NOT_TO_BE_HAD = frozenset({ErrorKind.NOT_FOUND, ErrorKind.BAD_REQUEST})
_UNREADABLE_TRIES = 5  # then it is no hiccup: the provider tells it in a way that cannot be read
_MAX_NAME = 200  # and an ending


def collect(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Keep events, checkpoints, result files and step metrics; then evaluate, or be done."""
    del lease
    kept, notes = _fetched(run, ports)
    run = replace(run, artifacts=tuple(kept), cost_actual=billed_cost(run, ports))
    after = RunStage.EVALUATING if run.request.evaluation else RunStage.SUCCEEDED
    return Advance(replace(run, stage=after), "; ".join(notes))


def _fetched(run: Run, ports: Ports) -> tuple[list[str], list[str]]:
    """The paths of what was written, and what is to be said about the rest."""
    provider, job_id = ports.accounts.provider(run.account), run.job_id or ""
    folder = f"runs/{run.id}/{job_id}"
    kept, notes = [], []
    # What an earlier try has brought home is not fetched again: each try comes further.
    for name, fetch in (("events", provider.events), ("checkpoints", provider.checkpoints)):
        path = f"{folder}/{name}.jsonl"
        if not ports.data.exists(path):
            rows = _unless_lost(fetch, job_id, run)
            if rows is None:
                notes.append(f"the job's {name} cannot be had from the provider")
                continue
            _write(ports, path, rows)
        kept.append(path)
    if _account(run, ports).capabilities.metrics == "checkpoints":
        kept += _checkpoint_metrics(folder, ports, provider)
        return kept, notes
    for file_id in provider.job(job_id).result_files:
        name = _file_name(file_id)
        path = f"{folder}/{name}.raw"
        if not ports.data.exists(path):
            content = _unless_lost(provider.result_file, file_id, run)
            if content is None:
                notes.append(f"result file {file_id} cannot be had from the provider")
                continue
            with ports.data.write(path) as file:
                file.write(content)
        kept.append(path)
        with ports.data.read(path) as file:
            raw = file.read()
        try:
            metrics = [asdict(row) for row in provider.metrics(raw)]
        except ValueError as error:
            notes.append(f"result file {file_id} holds no step metrics: {error}")
        else:
            kept.append(f"{folder}/{name}.metrics.jsonl")
            _write(ports, kept[-1], metrics)
    return kept, notes


def _checkpoint_metrics(folder: str, ports: Ports, provider: Provider) -> list[str]:
    """The step metrics that the kept checkpoints tell, as those of a result file; none: nothing."""
    path = f"{folder}/checkpoints.jsonl"
    if not ports.data.exists(path):
        return []
    with ports.data.read(path) as file:
        metrics = provider.checkpoint_metrics([orjson.loads(line) for line in file])
    if not metrics:
        return []
    _write(ports, f"{folder}/checkpoints.metrics.jsonl", map(asdict, metrics))
    return [f"{folder}/checkpoints.metrics.jsonl"]


def _account(run: Run, ports: Ports) -> Account:
    return ports.settings.account(run.account)[1]


def _file_name(file_id: str) -> str:
    """A name that no other id has and that any file system takes, whatever the id is."""
    quoted = quote(file_id, safe="", errors="replace")
    return quoted if len(quoted) <= _MAX_NAME else sha256(quoted.encode()).hexdigest()


def _write(ports: Ports, path: str, rows: Iterable[dict[str, Any]]) -> None:
    with ports.data.write(path) as file:
        for row in rows:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _unless_lost(fetch: Callable[[str], T], what: str, run: Run) -> T | None:
    """What is there of a job that is paid for: that a part of its story is lost is no failure."""
    try:
        return fetch(what)
    except ProviderError as error:
        if error.kind in _NOT_TO_BE_HAD:
            return None
        if error.kind is ErrorKind.MALFORMED and attempts(run) >= _UNREADABLE_TRIES:
            return None
        raise
