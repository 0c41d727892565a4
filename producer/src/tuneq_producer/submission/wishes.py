"""What requests have in common: files that go together, and what is trained and asked alike."""

from collections.abc import Iterator
from typing import NamedTuple

from tuneq_shared.domain.request import EvaluationRequest, FineTuneRequest, MethodType, Mode


class FileSet(NamedTuple):
    """The files of a request, as they are stored in it."""

    training: str
    validation: str | None
    evaluation: str | None
    method: MethodType = "supervised"


class Training(NamedTuple):
    """All that the cost of a training depends on, and whose it is."""

    group: str
    file: str
    samples: int | None  # lines; none is all of them
    epochs: int | None  # none is the provider's choice
    account: str
    model: str


class Scoring(NamedTuple):
    """All that the cost of an evaluation depends on, and whose it is."""

    group: str
    account: str
    model: str  # of a tuned model, its base
    tuned: bool
    dataset: str
    limit: int | None
    max_tokens: int
    mode: Mode
    shots: int
    shots_from: str | None
    added: int  # characters that the evaluation's own instructions add to each question


def file_set(request: FineTuneRequest) -> FileSet:
    """The files of a resolved request."""
    evaluation = request.evaluation.dataset if request.evaluation else None
    return FileSet(request.training_file, request.validation_file, evaluation, request.method.type)


def training(request: FineTuneRequest) -> Training:
    """What a resolved request trains."""
    epochs = request.method.hyperparameters.n_epochs
    return Training(
        group=request.group,
        file=request.training_file,
        samples=request.samples.n if request.samples else None,
        epochs=epochs if isinstance(epochs, int) else None,
        account=request.account or "",
        model=request.model,
    )


def scorings(request: FineTuneRequest) -> Iterator[tuple[Scoring, str]]:
    """The evaluations of a resolved request.

    With each baseline comes a word that is the same wherever it is the same evaluation, which is
    paid for once; with the tuned model, which is another for each run, none.
    """
    wanted = request.evaluation
    if wanted is None:
        return
    tuned = Scoring(
        group=request.group,
        account=request.account or "",
        model=request.model,
        tuned=True,
        dataset=wanted.dataset,
        limit=wanted.limit,
        max_tokens=wanted.max_tokens,
        mode=wanted.mode,
        shots=0,
        shots_from=None,
        added=len(wanted.system or "") + len(wanted.prompt or ""),
    )
    yield tuned, ""
    if not wanted.baselines:
        return
    alike = _words(wanted)
    for baseline in wanted.baselines:
        asked = tuned._replace(
            account=baseline.account or tuned.account,
            model=baseline.model,
            tuned=False,
            shots=baseline.shots,
            shots_from=request.training_file if baseline.shots else None,
        )
        yield asked, f"{asked.account} {asked.model} {asked.shots} {asked.shots_from} {alike}"


def _words(wanted: EvaluationRequest) -> str:
    return wanted.model_dump_json(exclude={"baselines", "mode"})
