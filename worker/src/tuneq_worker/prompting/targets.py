"""Whom a prompt is for: a run's tuned model and its base, or a model that is named."""

from dataclasses import dataclass

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.record import load
from tuneq_shared.domain.run import Run
from tuneq_shared.errors import InvalidInputError, NotFoundError, UnreadableError
from tuneq_worker.ports.stage import Ports

_TUNED = "ft:"


@dataclass(frozen=True, slots=True)
class Target:
    """A model, and what it is in the comparison."""

    role: str  # tuned or base; model where it is asked alone
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The models to ask, the tuned one first."""

    account: str
    run: str | None
    models: tuple[Target, ...]
    no_run: str = ""  # why what was named is taken for a model


def find_targets(text: str, ports: Ports, *, account: str | None, base: str | None) -> Targets:
    """Whom a RUN or a MODEL means.

    Args:
        text: a run's id, a unique prefix of it, or GROUP/NAME; else the name of a model.
        ports: the world.
        account: where to ask; by default the run's, or the default account.
        base: the other model; by default the run's, or the one that an `ft:` name tells.

    Raises:
        InvalidInputError: the run has no tuned model.
        ConfigurationError: there is no such account.
        UnreadableError: this tuneq cannot read the run.
    """
    try:
        item = ItemId(Kind.RUN, ports.catalogue.find_run(text))
    except NotFoundError as error:
        return Targets(
            account=ports.settings.account(account)[0],
            run=None,
            models=_models(text, base or _base_of(text)),
            no_run=error.message,
        )
    run = _read(item, ports)
    if run.fine_tuned_model is None:
        raise InvalidInputError(
            f"run {run.request.group}/{run.name} has no tuned model: it is {run.stage}",
            hint=f"`tuneq show {run.id}` tells how it stands",
        )
    return Targets(
        account=ports.settings.account(account or run.account)[0],
        run=run.id,
        models=_models(run.fine_tuned_model, base or run.request.model),
    )


def _models(tuned: str, base: str | None) -> tuple[Target, ...]:
    if base is None or base == tuned:
        return (Target("model", tuned),)
    return Target("tuned", tuned), Target("base", base)


def _base_of(model: str) -> str | None:
    """The base model in a name such as `ft:gpt-4.1-mini-2025-04-14:me:suffix:id`."""
    return model.split(":")[1] or None if model.startswith(_TUNED) else None


def _read(item: ItemId, ports: Ports) -> Run:
    (record,) = ports.catalogue.read([item])
    if record is None:
        raise NotFoundError(f"run {item.key!r} is gone", hint="`tuneq ls` lists the runs")
    try:
        return load(record, Run)
    except ValueError as error:
        raise UnreadableError(
            f"{item} cannot be read: {error}", hint="update tuneq on this machine"
        ) from error
