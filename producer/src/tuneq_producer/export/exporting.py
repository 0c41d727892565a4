"""From a group to a folder of files."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from tuneq_producer.client import Client
from tuneq_producer.export.folder import MARK
from tuneq_producer.export.table_files import discard_table, write_table
from tuneq_producer.report.assemble import Report
from tuneq_producer.step_progress import step_progress
from tuneq_producer.tables.curves import curves_table, fits_table
from tuneq_producer.tables.evaluations import comparisons_table, evaluations_of, evaluations_table
from tuneq_producer.tables.predictions import predictions_table
from tuneq_producer.tables.runs import datasets_table, runs_table
from tuneq_producer.tables.step_metrics import step_metrics_table
from tuneq_producer.tables.table import Table
from tuneq_producer.views.documents import to_json
from tuneq_shared.errors import NotFoundError, UnreadableError


@dataclass(frozen=True, slots=True)
class Missing:
    """Predictions that could not be exported, and why."""

    evaluation: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What an export holds. The field names are those of its `export.json`."""

    target: str
    exported_at: datetime
    tuneq: str  # version
    rows: dict[str, int]  # of each table
    missing: tuple[Missing, ...]


def export_into(
    folder: Path, client: Client, report: Report, target: str, now: datetime, *, parquet: bool
) -> Export:
    """Write everything into a folder; predictions are streamed, an evaluation after the other."""
    with (folder / "requests.jsonl").open("wb") as requests:
        requests.writelines(to_json(run.request) + b"\n" for run in report.runs)
    with (folder / "runs.jsonl").open("wb") as states:
        states.writelines(to_json(run) + b"\n" for run in report.runs)
    (folder / "report.json").write_bytes(to_json(report))
    rows = {
        table.name: write_table(folder, table, parquet=parquet) for table in _tables(client, report)
    }
    missing: list[Missing] = []
    measured = [each.view for each in evaluations_of(report.runs) if each.view.artifact]
    with step_progress("predictions", len(measured)) as advance:
        for view in measured:
            read = predictions_table(client.data, [view])
            table = Table(f"predictions/{view.evaluation}", read.kinds, read.rows)
            try:
                rows[table.name] = write_table(folder, table, parquet=parquet)
            except (NotFoundError, UnreadableError) as error:
                discard_table(folder, table)
                missing.append(Missing(view.evaluation, error.message))
            advance(1)
    done = Export(
        target=target,
        exported_at=now,
        tuneq=version("tuneq-producer"),
        rows=rows,
        missing=tuple(missing),
    )
    (folder / MARK).write_bytes(to_json(done))
    return done


def _tables(client: Client, report: Report) -> Iterator[Table]:
    yield runs_table(report.runs)
    yield datasets_table(report.runs)
    yield evaluations_table(report.runs)
    yield comparisons_table(report)
    yield curves_table(report.curves)
    yield fits_table(report.curves)
    yield step_metrics_table(client.data, report.runs)
