"""The runs, and the datasets that they name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tuneq_producer.tables.table import Column, Table, high, low, table_of
from tuneq_producer.views.run_view import RunView
from tuneq_shared.domain.request import Hyperparameters

_WHOLE = {"n_epochs", "batch_size", "context_length", "lora_r", "lora_alpha"}
_SWITCHES = {"packing", "lora"}


def runs_table(runs: Iterable[RunView]) -> Table:
    """A row for each run; a hyperparameter that was not asked for, or is `auto`, is empty."""
    return table_of("runs", _COLUMNS, runs)


def hyperparameters(run: RunView) -> dict[str, Any]:
    """Those that were asked for."""
    method: dict[str, Any] = run.request.get("method", {})
    found: dict[str, Any] = method.get("supervised", {}).get("hyperparameters", {})
    return found


def _hyperparameter(name: str) -> Column[RunView]:
    def asked(run: RunView) -> Any:
        value = hyperparameters(run).get(name)
        return None if value == "auto" else value

    return Column(name, int if name in _WHOLE else bool if name in _SWITCHES else float, asked)


_COLUMNS: tuple[Column[RunView], ...] = (
    Column("run", str, lambda run: run.run),
    Column("name", str, lambda run: run.name),
    Column("group", str, lambda run: run.group),
    Column("stage", str, lambda run: run.stage),
    Column("account", str, lambda run: run.account),
    Column("model", str, lambda run: run.model),
    Column("samples", int, lambda run: run.samples),
    Column("samples_seed", int, lambda run: run.request.get("samples", {}).get("seed", 0)),
    Column("seed", int, lambda run: run.request.get("seed")),
    *map(_hyperparameter, Hyperparameters.model_fields),
    Column("job_id", str, lambda run: run.job_id),
    Column("fine_tuned_model", str, lambda run: run.fine_tuned_model),
    Column("trained_tokens", int, lambda run: run.trained_tokens),
    Column("evaluation", str, lambda run: run.tuned.evaluation if run.tuned else None),
    Column("accuracy", float, lambda run: run.accuracy),
    Column("interval_low", float, lambda run: low(run.tuned.interval) if run.tuned else None),
    Column("interval_high", float, lambda run: high(run.tuned.interval) if run.tuned else None),
    Column("training_estimated_usd", float, lambda run: run.cost_usd.estimated),
    Column("training_usd", float, lambda run: run.cost_usd.actual),
    Column("deployment_usd", float, lambda run: run.cost_usd.deployment),
    Column("evaluation_usd", float, lambda run: run.cost_usd.evaluation),
    Column("created_at", datetime, lambda run: run.created_at),
    Column("finished_at", datetime, lambda run: run.finished_at),
    Column("error_code", str, lambda run: run.error.code if run.error else None),
    Column("error", str, lambda run: run.error.message if run.error else None),
)


@dataclass(frozen=True, slots=True)
class DatasetUse:
    """What a run did with a dataset."""

    run: RunView
    use: str  # training, training sample, validation or evaluation
    reference: str | None  # as requested; none for what was taken of another
    digest: str | None  # sha256 of the lines; none where the provider has the file
    lines: int | None = None


def datasets_table(runs: Iterable[RunView]) -> Table:
    """A row for each dataset of each run, with the digest of its lines."""
    return table_of("datasets", _DATASETS, (use for run in runs for use in dataset_uses(run)))


def dataset_uses(run: RunView) -> Iterator[DatasetUse]:
    """The datasets of a run; digests are known once it has prepared them."""
    request, made = run.request, run.prepared
    trained, lines = (made.training_digest, made.examples) if made else (None, None)
    source = made.source_digest if made else None
    training = request["training_file"]
    if "samples" in request:
        yield DatasetUse(run, "training", training, _staged(training) or source)
        yield DatasetUse(run, "training sample", None, trained or None, lines)
    else:
        yield DatasetUse(run, "training", training, trained or _staged(training), lines)
    if "validation_file" in request:
        reference = request["validation_file"]
        digest = made.validation_digest if made else None
        yield DatasetUse(run, "validation", reference, digest or _staged(reference))
    if "evaluation" in request:
        reference = request["evaluation"]["dataset"]
        digest = made.evaluation_digest if made else None
        yield DatasetUse(run, "evaluation", reference, digest or _staged(reference))


def _staged(reference: str) -> str | None:
    """The digest that a staged dataset is named by."""
    kind, _, digest = reference.partition(":")
    return digest if kind == "sha256" else None


_DATASETS: tuple[Column[DatasetUse], ...] = (
    Column("run", str, lambda each: each.run.run),
    Column("name", str, lambda each: each.run.name),
    Column("use", str, lambda each: each.use),
    Column("reference", str, lambda each: each.reference),
    Column("sha256", str, lambda each: each.digest),
    Column("lines", int, lambda each: each.lines),
)
