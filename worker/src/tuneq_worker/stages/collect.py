"""Collecting: what the provider tells of a finished job, kept as artifacts."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any, TypeVar

import orjson

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Run
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.ports.stage import Advance, Lease, Ports, StageResult
from tuneq_worker.stages.cost import billed_cost

T = TypeVar("T")


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
            rows = _unless_gone(fetch, job_id)
            if rows is None:
                notes.append(f"the job's {name} are gone at the provider")
                continue
            _write(ports, path, rows)
        kept.append(path)
    for file_id in provider.job(job_id).result_files:
        path = f"{folder}/{file_id}.raw"
        if not ports.data.exists(path):
            content = _unless_gone(provider.result_file, file_id)
            if content is None:
                notes.append(f"result file {file_id} is gone at the provider")
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
            kept.append(f"{folder}/{file_id}.metrics.jsonl")
            _write(ports, kept[-1], metrics)
    return kept, notes


def _write(ports: Ports, path: str, rows: Iterable[dict[str, Any]]) -> None:
    with ports.data.write(path) as file:
        for row in rows:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _unless_gone(fetch: Callable[[str], T], what: str) -> T | None:
    """What is there of a job that is paid for: that a part of its story is gone is no failure."""
    try:
        return fetch(what)
    except ProviderError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return None
        raise
