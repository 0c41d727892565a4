"""From a request to the item that the store creates."""

from collections.abc import Iterator

from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.record import document, fixed_part
from tuneq_shared.domain.request import (
    PRIORITIES,
    Baseline,
    EvaluationRequest,
    FineTuneRequest,
)
from tuneq_shared.domain.run import Run
from tuneq_shared.errors import ConflictError, InvalidInputError
from tuneq_shared.intake.abilities import refuse_batch, refuse_unable
from tuneq_shared.intake.doors import Door
from tuneq_shared.ports.items import Creation, NewItem
from tuneq_shared.references import ProviderFile, parse_reference
from tuneq_shared.settings import Settings

MAX_LABELS = 16
MAX_LABEL_NAME = 64
MAX_LABEL_VALUE = 512


def accept(request: FineTuneRequest, settings: Settings, door: Door) -> NewItem:
    """The run of a request, to be created.

    Raises:
        InvalidInputError: as `resolve`.
        NotFoundError: as `resolve`.
    """
    return new_run(resolve(request, settings, door))


def resolve(request: FineTuneRequest, settings: Settings, door: Door) -> FineTuneRequest:
    """The request as it is stored: its account named, its files as the door admits them.

    So the same content makes the same run, whatever the files are called and whether the account
    was named or is the default.

    Raises:
        InvalidInputError: too many labels, an account or file that is not to be had, or a wish
            that the account, or the provider's own file, cannot fulfil.
        NotFoundError: a file is not there.
    """
    _check_labels(request.labels)
    account, profile = settings.account(request.account)
    refuse_unable(request, account, profile.capabilities)
    training = parse_reference(request.training_file)
    if isinstance(training, ProviderFile) and (unmet := list(_needs_content(request))):
        raise InvalidInputError(
            f"{', '.join(unmet)}: not with {training}, which lies at the provider and cannot be "
            "read here",
            hint="name the training file by path, data: or sha256:, or leave that out",
        )
    changes: dict[str, object] = {
        "account": account,
        "training_file": str(door.admit(training)),
    }
    if request.validation_file is not None:
        changes["validation_file"] = str(door.admit(parse_reference(request.validation_file)))
    if request.evaluation is not None:
        dataset = parse_reference(request.evaluation.dataset)
        if isinstance(dataset, ProviderFile):
            raise InvalidInputError(
                f"evaluation.dataset: {dataset} lies at the provider and cannot be read here",
                hint="name the evaluation file by path, data: or sha256:",
            )
        wanted: dict[str, object] = {"dataset": str(door.admit(dataset))}
        if any(baseline.account for baseline in request.evaluation.baselines):
            wanted["baselines"] = tuple(_baselines(request.evaluation, account, settings))
        changes["evaluation"] = request.evaluation.model_copy(update=wanted)
    return request.model_copy(update=changes)


def new_run(request: FineTuneRequest) -> NewItem:
    """The run of a resolved request."""
    run_id, digest = request.identity()
    run = Run(id=run_id, stage=RunStage.SUBMITTED, request=request, created_at=0.0)
    return NewItem(
        item=run.item,
        stage=run.stage,
        fixed=fixed_part(run),
        doc=document(run),
        digest=digest,
        group=request.group,
        name=run.name,
        rank=PRIORITIES[request.priority],
    )


def conflict(new: NewItem, answer: Creation) -> ConflictError | None:
    """Why the store refused to create a run; none where it did not."""
    match answer:
        case Creation.OTHER_CONTENT:
            return ConflictError(
                f"the idempotency key of {new.group}/{new.name} was used with another request, "
                f"which is run {new.item.key}",
                hint=f"use another key, or see `tuneq show {new.item.key}`",
            )
        case Creation.NAME_TAKEN:
            return ConflictError(
                f"group {new.group} has another run of the name {new.name}",
                hint=f"use another name or group, or see `tuneq show {new.group}/{new.name}`",
            )
        case _:
            return None


def _needs_content(request: FineTuneRequest) -> Iterator[str]:
    if request.samples is not None:
        yield "samples"
    if request.budget_usd is not None:
        yield "budget_usd"
    if request.evaluation and any(baseline.shots for baseline in request.evaluation.baselines):
        yield "evaluation.baselines.shots"


def _baselines(wanted: EvaluationRequest, own: str, settings: Settings) -> Iterator[Baseline]:
    """The baselines, none of which names the run's own account."""
    for baseline in wanted.baselines:
        if baseline.account in {None, own}:
            yield baseline.model_copy(update={"account": None})
            continue
        name, profile = settings.account(baseline.account)
        refuse_batch(wanted, name, profile.capabilities)
        yield baseline


def _check_labels(labels: dict[str, str]) -> None:
    if len(labels) > MAX_LABELS:
        raise InvalidInputError(
            f"labels: {len(labels)} of them", hint=f"give at most {MAX_LABELS} labels"
        )
    for name, value in labels.items():
        if not 0 < len(name) <= MAX_LABEL_NAME or len(value) > MAX_LABEL_VALUE:
            raise InvalidInputError(
                f"labels: {name[:MAX_LABEL_NAME]!r} or its value is empty or too long",
                hint=f"a label has 1 to {MAX_LABEL_NAME} characters, its value at most "
                f"{MAX_LABEL_VALUE}",
            )
