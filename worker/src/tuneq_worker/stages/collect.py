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
    for name, fetch in (("events", provider.events), ("checkpoints", provider.checkpoints)):
        rows = _unless_gone(fetch, job_id)
        if rows is None:
            notes.append(f"the job's {name} are gone at the provider")
        else:
            kept.append(_keep(ports, f"{folder}/{name}.jsonl", rows))
    for file_id in provider.job(job_id).result_files:
        raw = _unless_gone(provider.result_file, file_id)
        if raw is None:
            notes.append(f"result file {file_id} is gone at the provider")
            continue
        with ports.data.write(f"{folder}/{file_id}.raw") as file:
            file.write(raw)
        kept.append(f"{folder}/{file_id}.raw")
        try:
            metrics = [asdict(row) for row in provider.metrics(raw)]
        except ValueError as error:
            notes.append(f"result file {file_id} holds no step metrics: {error}")
        else:
            kept.append(_keep(ports, f"{folder}/{file_id}.metrics.jsonl", metrics))
    return kept, notes


def _keep(ports: Ports, path: str, rows: Iterable[dict[str, Any]]) -> str:
    with ports.data.write(path) as file:
        for row in rows:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return path


def _unless_gone(fetch: Callable[[str], T], what: str) -> T | None:
    """What is there of a job that is paid for: that a part of its story is gone is no failure."""
    try:
        return fetch(what)
    except ProviderError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return None
        raise
