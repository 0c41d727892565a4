"""The page: headline, plots, tables, and all that it takes to do it again."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice

from tuneq_producer.report.assemble import Report
from tuneq_producer.report.breakdown_table import breakdown_tables
from tuneq_producer.report.cells import CellTable, cell_table
from tuneq_producer.report.curve_table import curve_notes, curve_table
from tuneq_producer.report.headline import figures
from tuneq_producer.report.html.cost_plot import cost_plot
from tuneq_producer.report.html.engine import page_script, plots_missing
from tuneq_producer.report.html.loss_plot import loss_plot
from tuneq_producer.report.html.palette import ON_PAGE, Spec, styled
from tuneq_producer.report.html.scaling_plot import scaling_plot
from tuneq_producer.report.rows import rows_of
from tuneq_producer.report.tables import (
    COMPARED_BY,
    accuracy_table,
    comparison_tables,
    missing_table,
    notes,
    outcome_table,
)
from tuneq_producer.step_metrics.reading import read_step_metrics
from tuneq_producer.step_metrics.summary import StepMetrics
from tuneq_producer.tables.runs import dataset_uses
from tuneq_producer.views.documents import to_json
from tuneq_producer.views.words import NOTHING, number
from tuneq_shared.data_root import DataRoot

_LOSSES_OF = 6  # runs in one plot, as many as there are colours


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page: a plot, a table or both, and what there is to say below."""

    title: str
    plot: Spec | None = None
    table: CellTable | None = None
    notes: tuple[str, ...] = ()


def render_html(report: Report, data: DataRoot, now: datetime) -> str:
    """The page as one file: nothing in it is fetched from anywhere.

    Raises:
        InvalidInputError: the extra `plots` is not installed.
    """
    try:
        from jinja2 import (  # noqa: PLC0415 - only an extra brings it
            Environment,
            PackageLoader,
            StrictUndefined,
        )
    except ImportError as error:
        raise plots_missing() from error
    environment = Environment(
        loader=PackageLoader("tuneq_producer.report", "html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["json"] = _as_script_data
    script = page_script()
    return environment.get_template("page.html.jinja").render(
        title=report.group or (report.runs[0].full_name if report.runs else ""),
        made=f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, tuneq {version('tuneq-producer')}",
        figures=list(figures(report)),
        sections=[each for each in _sections(report, data) if each.plot or each.table],
        notes=list(notes(report)),
        requests="\n".join(to_json(run.request).decode() for run in report.runs),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _as_script_data(spec: Spec) -> str:
    """JSON that stays JSON inside of a script element, whatever users have named things."""
    return to_json(spec).decode().replace("<", "\\u003c")


def _sections(report: Report, data: DataRoot) -> Iterator[Section]:
    yield _tabled(accuracy_table(report, with_model=False))
    for curve in report.curves:
        plotted = len(curve.scaling.points) > 1
        plot = styled(scaling_plot(report, curve, ON_PAGE), ON_PAGE) if plotted else None
        cells = curve_table(curve)
        yield Section(title=cells.title, plot=plot, table=cells, notes=tuple(curve_notes(curve)))
    for cells in comparison_tables(report):
        yield _tabled(cells, COMPARED_BY)
    yield from _losses(report, data)
    bought = cost_plot(report, ON_PAGE)
    if bought is not None:
        words = "training (estimated where unknown), hours deployed, answers; where they are priced"
        yield Section(title="Cost against accuracy", plot=styled(bought, ON_PAGE), notes=(words,))
    yield _tabled(outcome_table(report), "unparsed and refused count as wrong")
    for cells in breakdown_tables(report.breakdowns):
        yield _tabled(cells)
    yield _tabled(missing_table(report))
    yield _tabled(_models(report))
    yield _tabled(_datasets(report), "sha256 of the lines; requests below name the files")


def _tabled(cells: CellTable, *notes: str) -> Section:
    return Section(title=cells.title, table=cells if cells.rows else None, notes=notes)


def _losses(report: Report, data: DataRoot) -> Iterator[Section]:
    found = _trainings(report, data)
    if found:
        warnings = [f"{name}: {each.message}" for name in found for each in found[name].warnings]
        some = f"of the {len(found)} runs trained on most samples, smoothed"
        plot = styled(loss_plot(found), ON_PAGE)
        yield Section(title="Losses in training", plot=plot, notes=(some, *warnings))


def _trainings(report: Report, data: DataRoot) -> dict[str, StepMetrics]:
    """By name, of the runs that were trained on most."""
    runs = sorted(report.runs, key=lambda run: -(run.samples or 0))
    told = ((run.name, read_step_metrics(data, run.artifacts)) for run in runs)
    return dict(islice(((name, each) for name, each in told if each), _LOSSES_OF))


def _models(report: Report) -> CellTable:
    rows = [(row.name, row.role, row.model) for row in rows_of(report)]
    return cell_table("Models", ["name", "role", "model"], rows)


def _datasets(report: Report) -> CellTable:
    """Each dataset once, with how many runs it is of."""
    counted: dict[tuple[str, ...], int] = {}
    for run in report.runs:
        for each in dataset_uses(run):
            row = (each.use, each.reference or NOTHING, each.digest or NOTHING, number(each.lines))
            counted[row] = counted.get(row, 0) + 1
    rows: Sequence[tuple[str, ...]] = [(*row, str(runs)) for row, runs in counted.items()]
    return cell_table("Datasets", ["use", "reference", "sha256", "lines", "runs"], rows)
