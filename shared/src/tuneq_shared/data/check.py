"""The check of datasets: before they are submitted, and again before they are uploaded."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from tempfile import TemporaryFile

from tuneq_shared.data.file_check import Checking, FileCheck, Source
from tuneq_shared.data.likeness_keys import alike
from tuneq_shared.data.lines import Reread
from tuneq_shared.data.overlap import TrainingIndex
from tuneq_shared.data.report import CheckReport
from tuneq_shared.data.rules import Use
from tuneq_shared.data.vocabularies import vocabulary_of

__all__ = ["Source", "check_datasets"]


def check_datasets(
    train: Source,
    *,
    validation: Source | None = None,
    evaluation: Source | None = None,
    strict: bool = False,
    max_example_tokens: int | None = None,
    model: str | None = None,
) -> CheckReport:
    """Check a training file, and the files that go with it, and compare them.

    Each file is gone through once, and once more where lines may be alike. Lines from an iterator,
    which gives them once, lie in a temporary file meanwhile.

    Args:
        train: the training file.
        validation: the provider's validation file.
        evaluation: the file that the tuned model is scored on. The same object as `validation`
            where both are one file; it is then read once.
        strict: count duplicates and overlap as errors.
        max_example_tokens: the longest example that the model takes, in tokens by characters.
        model: in whose tokens the files are counted, where its vocabulary is known.
    """
    others: list[tuple[Source | None, tuple[Use, ...]]] = [(evaluation, (Use.EVALUATION,))]
    if validation is evaluation:
        others = [(validation, (Use.VALIDATION, Use.EVALUATION))]
    else:
        others.insert(0, (validation, (Use.VALIDATION,)))
    present = [(train, (Use.TRAIN,)), *((source, uses) for source, uses in others if source)]
    checking = Checking(
        strict=strict,
        max_example_tokens=max_example_tokens,
        train_name=train.name,
        vocabulary=None if model is None else vocabulary_of(model),
    )
    with ExitStack() as kept:
        training, *rest = [
            FileCheck(_rereadable(source, kept), uses, checking) for source, uses in present
        ]
        for check in (training, *rest):
            check.run()
        if found := alike(training.keys, [check.keys for check in rest]):
            index = TrainingIndex(with_inputs=bool(rest))
            for check in (training, *rest):
                check.compare(index, found)
    checks = (training, *rest)
    return CheckReport(
        strict=strict,
        files=tuple(check.report() for check in checks),
        findings=tuple(finding for check in checks for finding in check.findings),
    )


def _rereadable(source: Source, kept: ExitStack) -> Source:
    if not isinstance(source.lines, Iterator):
        return source
    file = kept.enter_context(TemporaryFile())  # noqa: SIM115 - entered as long as the check lasts
    file.writelines(line if line.endswith(b"\n") else line + b"\n" for line in source.lines)

    def read() -> Iterator[bytes]:
        file.seek(0)
        yield from file

    return replace(source, lines=Reread(read))
