"""The check of datasets: before they are submitted, and again before they are uploaded."""

from tuneq_shared.data.file_check import Checking, FileCheck, Source
from tuneq_shared.data.overlap import TrainingIndex
from tuneq_shared.data.report import CheckReport
from tuneq_shared.data.rules import Use

__all__ = ["Source", "check_datasets"]


def check_datasets(
    train: Source,
    *,
    validation: Source | None = None,
    evaluation: Source | None = None,
    strict: bool = False,
    max_example_tokens: int | None = None,
) -> CheckReport:
    """Check a training file, and the files that go with it, in one pass over each.

    Args:
        train: the training file.
        validation: the provider's validation file.
        evaluation: the file that the tuned model is scored on. The same object as `validation`
            where both are one file; it is then read once.
        strict: count duplicates and overlap as errors.
        max_example_tokens: the longest example that the model takes, in estimated tokens.
    """
    others: list[tuple[Source | None, tuple[Use, ...]]] = [(evaluation, (Use.EVALUATION,))]
    if validation is evaluation:
        others = [(validation, (Use.VALIDATION, Use.EVALUATION))]
    else:
        others.insert(0, (validation, (Use.VALIDATION,)))
    present = [(source, uses) for source, uses in others if source is not None]
    checking = Checking(
        strict=strict,
        max_example_tokens=max_example_tokens,
        train_name=train.name,
        index=TrainingIndex(with_inputs=bool(present)),
    )
    training = FileCheck(train, (Use.TRAIN,), checking)
    checks = [training, *(FileCheck(source, uses, checking) for source, uses in present)]
    for check in checks:
        check.run()
    return CheckReport(
        strict=strict,
        files=tuple(check.report() for check in checks),
        findings=tuple(finding for check in checks for finding in check.findings),
    )
