"""What requests have in common: the files that go together, and what is trained on them."""

from typing import NamedTuple

from tuneq_shared.domain.request import FineTuneRequest


class FileSet(NamedTuple):
    """The files of a request, as they are stored in it."""

    training: str
    validation: str | None
    evaluation: str | None


class Training(NamedTuple):
    """All that the cost of a training depends on."""

    file: str
    samples: int | None  # lines; none is all of them
    epochs: int | None  # none is the provider's choice
    account: str
    model: str


def file_set(request: FineTuneRequest) -> FileSet:
    """The files of a resolved request."""
    evaluation = request.evaluation.dataset if request.evaluation else None
    return FileSet(request.training_file, request.validation_file, evaluation)


def training(request: FineTuneRequest) -> Training:
    """What a resolved request trains."""
    epochs = request.method.supervised.hyperparameters.n_epochs
    return Training(
        file=request.training_file,
        samples=request.samples.n if request.samples else None,
        epochs=epochs if isinstance(epochs, int) else None,
        account=request.account or "",
        model=request.model,
    )
