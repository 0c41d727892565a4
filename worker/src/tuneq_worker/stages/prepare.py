"""Preparing: take the sample, check it, and put what will be uploaded under the data root."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from tuneq_shared.data.chat import read_chat
from tuneq_shared.data.check import Source, check_datasets
from tuneq_shared.data.codes import Code, Problem
from tuneq_shared.data.report import CheckReport
from tuneq_shared.data.rules import Use
from tuneq_shared.data.sampling import first_of_permutation
from tuneq_shared.data.tokens import ESTIMATE_METHOD
from tuneq_shared.domain.account import AccountState, account_id
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import AccountStage, RunStage
from tuneq_shared.domain.record import document, fixed_part
from tuneq_shared.domain.request import FineTuneRequest
from tuneq_shared.domain.run import Prepared, Run
from tuneq_shared.errors import TuneqError
from tuneq_shared.ports.items import NewItem
from tuneq_shared.references import parse_reference
from tuneq_worker.ports.stage import Advance, Fail, Lease, Ports, StageResult
from tuneq_worker.stages.cost import over_budget, training_cost
from tuneq_worker.stages.upload import is_at_provider

_SHOWN = 5  # findings quoted in a failure
_LEAKS = {
    Code.OVERLAP_LINE,
    Code.OVERLAP_INPUTS,
    Code.OVERLAP_LINE_NORMALISED,
    Code.OVERLAP_INPUTS_NORMALISED,
}
_DUPLICATES = {Code.DUPLICATE, Code.DUPLICATE_NORMALISED}


def prepare(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Make the files to upload and estimate the cost; a bad file or a small budget ends the run."""
    del lease
    ports.items.create([_account_item(run.account)])
    request = run.request
    if is_at_provider(request.training_file):
        return Advance(replace(run, stage=RunStage.UPLOADING))
    try:
        report = _check(request, ports)
        if not report.ok:
            return Fail(run, Failure("invalid_dataset", _words(report), run.stage))
        prepared = Prepared(
            training_digest=_staged(_uploadable(_sample(request, ports), Use.TRAIN), ports),
            examples=report.files[0].examples,
            tokens=report.files[0].tokens,
            tokens_method=ESTIMATE_METHOD,
            validation_digest=_validation(request, ports),
            duplicates=_sum(report.counts, _DUPLICATES),
            leaked=_sum(report.counts, _LEAKS),
        )
    except TuneqError as error:
        return Fail(run, Failure(error.code, error.message, run.stage))
    run = replace(run, prepared=prepared, cost_estimated=training_cost(run, prepared, ports))
    refusal = over_budget(run)
    if refusal is not None:
        return Fail(run, refusal)
    leaks = f", {prepared.leaked} also in validation or evaluation" if prepared.leaked else ""
    event = f"{prepared.examples} examples, about {prepared.tokens} tokens{leaks}"
    return Advance(replace(run, stage=RunStage.UPLOADING), event)


def _sample(request: FineTuneRequest, ports: Ports) -> Iterable[bytes]:
    """The lines to train on: all, or the first n of one seeded permutation, in its order."""
    lines = _lines(request.training_file, ports)
    if request.samples is None:
        return lines
    filled = (line for line in lines if line.strip())
    return first_of_permutation(filled, request.samples.n, request.samples.seed)


def _check(request: FineTuneRequest, ports: Ports) -> CheckReport:
    others = [request.validation_file, request.evaluation and request.evaluation.dataset]
    sources = {
        name: Source(name, _lines(name, ports))
        for name in others
        if name and not is_at_provider(name)
    }
    validation, evaluation = (sources.get(name or "") for name in others)
    train = Source(request.training_file, _sample(request, ports))
    return check_datasets(train, validation=validation, evaluation=evaluation)


def _validation(request: FineTuneRequest, ports: Ports) -> str | None:
    name = request.validation_file
    if name is None or is_at_provider(name):
        return None
    return _staged(_uploadable(_lines(name, ports), Use.VALIDATION), ports)


def _uploadable(lines: Iterable[bytes], use: Use) -> Iterator[bytes]:
    for _, line in read_chat(lines, use):
        if isinstance(line, Problem):
            raise AssertionError("the file was checked before")  # noqa: TRY004 - not a type error
        yield line.without_metadata()


def _staged(lines: Iterable[bytes], ports: Ports) -> str:
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        file.writelines(lines)
        file.flush()
        return ports.data.stage(Path(file.name)).digest


def _words(report: CheckReport) -> str:
    errors = [f for f in report.findings if f.severity == "error"]
    lines = [
        f"{finding.file}{f':{finding.line}' if finding.line else ''}: {finding.message}"
        for finding in errors[:_SHOWN]
    ]
    more = report.errors - len(lines)
    return "; ".join(lines) + (f"; and {more} more" if more > 0 else "")


def _sum(counts: Counter[Code], codes: set[Code]) -> int:
    return sum(counts[code] for code in codes)


def _lines(name: str, ports: Ports) -> Iterator[bytes]:
    with ports.data.open(parse_reference(name)) as file:
        yield from file


def _account_item(name: str) -> NewItem:
    state = AccountState(id=name, stage=AccountStage.ACTIVE)
    return NewItem(
        item=account_id(name), stage=state.stage, fixed=fixed_part(state), doc=document(state)
    )
