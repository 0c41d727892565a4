"""The check of datasets: before they are submitted, and again before they are uploaded."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from tempfile import TemporaryFile

from tuneq_shared.data.checking import LISTED_PER_CODE, Checking, Source
from tuneq_shared.data.file_check import FileCheck
from tuneq_shared.data.likeness_keys import alike
from tuneq_shared.data.lines import Reread
from tuneq_shared.data.near_check import find_near
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
    context_tokens: int | None = None,
    pairs: bool = False,
    near: bool = False,
    listed: int = LISTED_PER_CODE,
) -> CheckReport:
    """Check a training file, and the files that go with it, and compare them.

    Each file is gone through once, and once more where lines may be alike. Lines from an iterator,
    which gives them once, lie in a temporary file meanwhile.

    Args:
        train: the training file.
        validation: the provider's validation file.
        evaluation: the file that the tuned model is scored on. The same object as `validation`
            where both are one file; it is then read once, unless one is of pairs.
        strict: count duplicates and overlap as errors.
        max_example_tokens: the longest example that the model takes, in tokens by characters.
        model: in whose tokens the files are counted, where its vocabulary is known.
        context_tokens: the same, of which only a warning is given.
        pairs: training and validation file hold preference pairs, as the method dpo has them.
        near: look for lines that are nearly alike, too, which takes some ten times as long.
        listed: how many findings of one kind are listed for one file.
    """
    others: list[tuple[Source | None, tuple[Use, ...]]] = [(evaluation, (Use.EVALUATION,))]
    if validation is evaluation and not pairs:  # the evaluation's lines are never pairs
        others = [(validation, (Use.VALIDATION, Use.EVALUATION))]
    else:
        others.insert(0, (validation, (Use.VALIDATION,)))
    present = [(train, (Use.TRAIN,)), *((source, uses) for source, uses in others if source)]
    checking = Checking(
        strict=strict,
        max_example_tokens=max_example_tokens,
        train_name=train.name,
        vocabulary=None if model is None else vocabulary_of(model),
        context_tokens=context_tokens,
        pairs=pairs,
        listed=listed,
    )
    with ExitStack() as kept:
        sources = {id(source): source for source, _ in present}
        reread = {key: _rereadable(source, kept) for key, source in sources.items()}
        training, *rest = [
            FileCheck(reread[id(source)], uses, checking) for source, uses in present
        ]
        for check in (training, *rest):
            check.run()
        if found := alike(training.keys, [check.keys for check in rest]):
            index = TrainingIndex(with_inputs=bool(rest))
            for check in (training, *rest):
                check.compare(index, found)
        if near:
            find_near(training, rest)
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
