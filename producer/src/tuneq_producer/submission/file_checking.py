"""The check of all files that are submitted, before anything is made of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from tuneq_producer.submission.door import ClientDoor
from tuneq_producer.submission.planning import Plan
from tuneq_producer.submission.wishes import FileSet
from tuneq_shared.data.check import Source, check_datasets
from tuneq_shared.data.checking import Checking
from tuneq_shared.data.codes import CODES, Severity
from tuneq_shared.data.file_check import MINIMUM_EXAMPLES, FileCheck
from tuneq_shared.data.lines import Reread
from tuneq_shared.data.report import CheckReport, FileReport
from tuneq_shared.data.rules import Use
from tuneq_shared.data.vocabularies import vocabulary_of
from tuneq_shared.errors import InvalidInputError
from tuneq_shared.references import is_at_provider
from tuneq_shared.settings import Settings

_SHOWN_ERRORS = 5
_SHOWN_WARNINGS = 10


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check found worth knowing."""

    training: Mapping[str, FileReport]  # by the reference of the training file
    evaluation: Mapping[str, FileReport]  # by that of the dataset
    warnings: list[str]


def check_files(plan: Plan, door: ClientDoor, settings: Settings) -> Checked:
    """Check every set of files that goes together once.

    Tokens are counted as the models do it that a file is to train, where there is a price for one
    and all have the same vocabulary: to count takes memory.

    Raises:
        InvalidInputError: a file has errors, or is too small for a sample that is asked of it.
    """
    training: dict[str, FileReport] = {}
    evaluation: dict[str, FileReport] = {}
    errors: dict[str, None] = {}
    warnings: dict[str, None] = {}
    hint, count = "", 0
    models = _counted_for(plan, settings)
    for files, place in plan.files.items():
        report = _check(files, door, models.get(files.training))
        if not is_at_provider(files.training):
            training.setdefault(files.training, report.files[0])
        if files.evaluation is not None:
            evaluation.setdefault(files.evaluation, report.files[-1])
        if not report.ok:
            hint = hint or f"`{_command(files, door)}` finds all{f' ({place})' if place else ''}"
            errors.update(dict.fromkeys(_errors(report)))
            count += report.errors
        warnings.update(dict.fromkeys(_warnings(report)))
    if errors:
        listed = list(errors)[:_SHOWN_ERRORS]
        if count > len(listed):
            listed.append(f"{count} errors in all")
        raise InvalidInputError("\n".join(listed), hint=hint)
    _require_samples(plan, training)
    return Checked(training, evaluation, list(warnings)[:_SHOWN_WARNINGS])


def _counted_for(plan: Plan, settings: Settings) -> dict[str, str]:
    """A model for each file whose tokens are to be counted."""
    models: dict[str, set[str]] = {}
    priced: set[str] = set()
    for alike in plan.trainings:
        models.setdefault(alike.file, set()).add(alike.model)
        if alike.model in settings.accounts[alike.account].prices:
            priced.add(alike.file)
    return {
        file: next(iter(models[file]))
        for file in priced
        if len(set(map(vocabulary_of, models[file]))) == 1
    }


def _check(files: FileSet, door: ClientDoor, model: str | None) -> CheckReport:
    validation, evaluation = (
        None if name is None or is_at_provider(name) else _source(name, door)
        for name in (files.validation, files.evaluation)
    )
    pairs = files.method == "dpo"
    if files.validation == files.evaluation and not pairs:
        evaluation = validation
    if is_at_provider(files.training):
        return _check_without_training(validation, evaluation, pairs=pairs)
    train = _source(files.training, door)
    return check_datasets(
        train, validation=validation, evaluation=evaluation, model=model, pairs=pairs
    )


def _source(name: str, door: ClientDoor) -> Source:
    return Source(door.shown(name), Reread(partial(door.lines, name)))


def _check_without_training(
    validation: Source | None, evaluation: Source | None, *, pairs: bool
) -> CheckReport:
    checking = Checking(strict=False, max_example_tokens=None, train_name="", pairs=pairs)
    uses: dict[int, tuple[Source, list[Use]]] = {}
    for source, use in ((validation, Use.VALIDATION), (evaluation, Use.EVALUATION)):
        if source is not None:
            uses.setdefault(id(source), (source, []))[1].append(use)
    checks = [FileCheck(source, tuple(its_uses), checking) for source, its_uses in uses.values()]
    for check in checks:
        check.run()
    return CheckReport(
        strict=False,
        files=tuple(check.report() for check in checks),
        findings=tuple(finding for check in checks for finding in check.findings),
    )


def _require_samples(plan: Plan, training: Mapping[str, FileReport]) -> None:
    for alike, place in plan.places.items():
        report, asked = training.get(alike.file), alike.samples
        if report is None or asked is None:
            continue
        where = f"{place}: " if place else ""
        if asked > report.lines:
            raise InvalidInputError(
                f"{where}samples.n is {asked}, but {report.file} has {report.lines} lines",
                hint=f"ask for at most {report.lines}",
            )
        if asked < MINIMUM_EXAMPLES:
            raise InvalidInputError(
                f"{where}samples.n is {asked}, and providers refuse fewer than "
                f"{MINIMUM_EXAMPLES} examples",
                hint=f"ask for at least {MINIMUM_EXAMPLES}",
            )


def _errors(report: CheckReport) -> Iterator[str]:
    for finding in report.findings:
        if finding.severity is Severity.ERROR:
            place = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
            yield f"{place}: {finding.message}"


def _warnings(report: CheckReport) -> Iterable[str]:
    for file in report.files:
        for code, count in file.counts.items():
            if CODES[code].strict:  # duplicates and leakage
                yield f"{file.file}: {count} lines: {code} ({CODES[code].hint})"


def _command(files: FileSet, door: ClientDoor) -> str:
    words = ["tuneq check", door.shown(files.training)]
    if files.validation:
        words.append(f"--validation {door.shown(files.validation)}")
    if files.evaluation:
        words.append(f"--evaluation {door.shown(files.evaluation)}")
    if files.method != "supervised":
        words.append(f"--method {files.method}")
    return " ".join(words)
