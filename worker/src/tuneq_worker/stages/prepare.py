"""Preparing: take the sample, check it, and put what will be uploaded under the data root."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tuneq_shared.data.chat import read_chat
from tuneq_shared.data.check import Source, check_datasets
from tuneq_shared.data.codes import Code, Problem
from tuneq_shared.data.drawn_lines import drawn
from tuneq_shared.data.lines import Reread, without_mark
from tuneq_shared.data.preference_lines import read_pairs
from tuneq_shared.data.report import CheckReport, Finding
from tuneq_shared.data.rules import Use
from tuneq_shared.data.tokens import ESTIMATE_METHOD
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.request import Baseline, FineTuneRequest, MethodType
from tuneq_shared.domain.run import Prepared, Run
from tuneq_shared.errors import InvalidInputError, NotFoundError
from tuneq_shared.intake.abilities import refuse_unable
from tuneq_shared.references import StagedFile, is_at_provider, parse_reference
from tuneq_worker.ports.stage import Advance, Fail, Lease, Ports, StageResult
from tuneq_worker.stages.cost import over_budget, price_of, training_cost
from tuneq_worker.stages.evaluate import spec_of

_SHOWN = 5  # findings quoted in a failure
_LEAKS = {
    Code.OVERLAP_LINE,
    Code.OVERLAP_INPUTS,
    Code.OVERLAP_LINE_NORMALISED,
    Code.OVERLAP_INPUTS_NORMALISED,
}
_DUPLICATES = {Code.DUPLICATE, Code.DUPLICATE_NORMALISED}


def prepare(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Make the files to upload and estimate the cost.

    What cannot be done here, a bad file or a small budget ends the run.
    """
    del lease
    unable = _unable(run, ports)
    if unable is not None:
        return Fail(run, unable)
    # To count in a model's own tokens takes memory: it is done where a cost depends on it.
    counted_for = run.request.model if price_of(run, ports) else None
    try:
        prepared = _prepared(run.request, counted_for, ports)
        _require_fit(run, prepared, ports)
    except (InvalidInputError, NotFoundError) as error:
        return Fail(run, Failure(error.code, error.message, run.stage))
    run = replace(run, prepared=prepared)
    if is_at_provider(run.request.training_file):
        return Advance(replace(run, stage=RunStage.UPLOADING))
    run = replace(run, cost_estimated=training_cost(run, prepared, ports))
    refusal = over_budget(run)
    if refusal is not None:
        return Fail(run, refusal)
    leaks = f", {prepared.leaked} also in validation or evaluation" if prepared.leaked else ""
    event = f"{prepared.examples} examples, about {prepared.tokens} tokens{leaks}"
    return Advance(replace(run, stage=RunStage.UPLOADING), event)


def _unable(run: Run, ports: Ports) -> Failure | None:
    """What account or worker cannot do as they are configured here: the door knew it otherwise."""
    _, account = ports.settings.account(run.account)
    wanted = run.request.evaluation
    try:
        refuse_unable(run.request, run.account, account.capabilities)
        if wanted is not None:
            ports.scorers.require(wanted.scorer, wanted.scorer_options)
    except InvalidInputError as error:
        return Failure(error.code, f"{error.message} ({error.hint})", run.stage)
    return None


def _require_fit(run: Run, prepared: Prepared, ports: Ports) -> None:
    """What the evaluation would refuse is refused while nothing is bought."""
    wanted = run.request.evaluation
    if wanted is not None:
        untuned = Baseline(model=run.request.model)
        ports.scorers.require_fit(spec_of(run.account, wanted, untuned, prepared), ports.data)


class _InvalidDatasetError(InvalidInputError):
    code = "invalid_dataset"


def _prepared(request: FineTuneRequest, counted_for: str | None, ports: Ports) -> Prepared:
    """What was made of the files."""
    evaluation = request.evaluation
    others = Prepared(
        "",
        0,
        0,
        ESTIMATE_METHOD,
        validation_digest=_validation(request, ports),
        evaluation_digest=_kept(evaluation.dataset, ports) if evaluation else None,
        source_digest=_kept(request.training_file, ports)
        if evaluation and any(baseline.shots for baseline in evaluation.baselines)
        else None,
    )
    if is_at_provider(request.training_file):
        return others
    with _examples(request, ports) as (lines, numbers):
        report = _check(request, lines, counted_for, ports)
        if not report.ok:
            raise _InvalidDatasetError(_words(report, request, numbers))
        sent = _uploadable(lines, Use.TRAIN, request.training_file, request.method.type)
        digest = _staged(sent, ports)
    return replace(
        others,
        training_digest=digest,
        examples=report.files[0].examples,
        tokens=report.files[0].tokens,
        tokens_method=report.token_method,
        duplicates=_sum(report.counts, _DUPLICATES),
        leaked=_sum(report.counts, _LEAKS),
    )


@contextmanager
def _examples(
    request: FineTuneRequest, ports: Ports
) -> Iterator[tuple[Iterable[bytes], Sequence[int]]]:
    """The lines to train on, to go through again and again, and a sample's numbers in the file.

    A sample is the first n lines of one seeded permutation, in its order.
    """
    lines = _lines(request.training_file, ports)
    if request.samples is None:
        yield lines, ()
        return
    with drawn(lines, request.samples.n, request.samples.seed) as sample:
        yield sample, sample.numbers


def _check(
    request: FineTuneRequest, lines: Iterable[bytes], counted_for: str | None, ports: Ports
) -> CheckReport:
    others = [request.validation_file, request.evaluation and request.evaluation.dataset]
    sources = {
        name: Source(name, _lines(name, ports))
        for name in others
        if name and not is_at_provider(name)
    }
    validation, evaluation = (sources.get(name or "") for name in others)
    train = Source(request.training_file, lines)
    return check_datasets(
        train,
        validation=validation,
        evaluation=evaluation,
        model=counted_for,
        pairs=request.method.type == "dpo",
    )


def _validation(request: FineTuneRequest, ports: Ports) -> str | None:
    name = request.validation_file
    if name is None or is_at_provider(name):
        return None
    sent = _uploadable(_lines(name, ports), Use.VALIDATION, name, request.method.type)
    return _staged(sent, ports)


def _kept(name: str, ports: Ports) -> str:
    """The digest of a file under the data root; one from elsewhere is copied, for it may change."""
    reference = parse_reference(name)
    if isinstance(reference, StagedFile):
        return reference.digest
    return _staged(_lines(name, ports), ports)


def _uploadable(lines: Iterable[bytes], use: Use, name: str, method: MethodType) -> Iterator[bytes]:
    """The lines in the method's format, without what is tuneq's own."""
    read = read_pairs(lines) if method == "dpo" else read_chat(lines, use)
    for number, line in read:
        if isinstance(line, Problem):  # not checked before, or changed since
            raise _InvalidDatasetError(f"{name}:{number}: {line.message}")
        yield line if isinstance(line, bytes) else line.without_metadata()


def _staged(lines: Iterable[bytes], ports: Ports) -> str:
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        file.writelines(lines)
        file.flush()
        return ports.data.stage(Path(file.name)).digest


def _words(report: CheckReport, request: FineTuneRequest, numbers: Sequence[int]) -> str:
    errors = [f for f in report.findings if f.severity == "error"][:_SHOWN]
    lines = [
        f"{finding.file}{_place(finding, request, numbers)}: {finding.message}"
        for finding in errors
    ]
    more = report.errors - len(lines)
    return "; ".join(lines) + (f"; and {more} more" if more > 0 else "")


def _place(finding: Finding, request: FineTuneRequest, numbers: Sequence[int]) -> str:
    if finding.line is None:
        return ""
    # The check counts the lines of a sample; people look for them in the file.
    sampled = numbers and finding.file == request.training_file
    return f":{numbers[finding.line - 1] if sampled else finding.line}"


def _sum(counts: Counter[Code], codes: set[Code]) -> int:
    return sum(counts[code] for code in codes)


def _lines(name: str, ports: Ports) -> Reread:
    def read() -> Iterator[bytes]:
        with ports.data.open(parse_reference(name)) as file:
            yield from without_mark(file)

    return Reread(read)
