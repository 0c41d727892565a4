"""What models have answered, sample by sample."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from tuneq_producer.tables.table import Column, Table, table_of
from tuneq_producer.views.documents import to_json
from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_shared.data_root import DataRoot
from tuneq_shared.errors import UnreadableError


@dataclass(frozen=True, slots=True)
class _Row:
    sample: int
    outcome: str
    target: str | None = None
    answer: str | None = None
    parsed: str | None = None
    label: str | None = None
    subject: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_s: float | None = None
    cached: bool | None = None
    error: str | None = None
    fields: dict[str, bool] | None = None
    messages: str | None = None


_ROW = TypeAdapter(_Row)
_Prediction = tuple[str, _Row]


def predictions_table(data: DataRoot, views: Iterable[EvaluationView]) -> Table:
    """A row for each sample of each evaluation that has predictions, read as they are asked for.

    Reading its rows raises NotFoundError where predictions are gone, UnreadableError where they
    are damaged.
    """
    rows = (row for view in views for row in _rows(data, view))
    return table_of("predictions", _COLUMNS, rows)


def _rows(data: DataRoot, view: EvaluationView) -> Iterator[_Prediction]:
    if view.artifact is None:
        return
    with data.read(view.artifact) as file:
        for line in file:
            try:
                yield view.evaluation, _ROW.validate_json(line)
            except ValidationError as error:
                raise UnreadableError(f"data:{view.artifact} is damaged") from error


_COLUMNS: tuple[Column[_Prediction], ...] = (
    Column("evaluation", str, lambda row: row[0]),
    Column("sample", int, lambda row: row[1].sample),
    Column("outcome", str, lambda row: row[1].outcome),
    Column("target", str, lambda row: row[1].target),
    Column("parsed", str, lambda row: row[1].parsed),
    Column("answer", str, lambda row: row[1].answer),
    Column("label", str, lambda row: row[1].label),
    Column("subject", str, lambda row: row[1].subject),
    Column("prompt_tokens", int, lambda row: row[1].prompt_tokens),
    Column("completion_tokens", int, lambda row: row[1].completion_tokens),
    Column("latency_s", float, lambda row: row[1].latency_s),
    Column("cached", bool, lambda row: row[1].cached),
    Column("error", str, lambda row: row[1].error),
    Column(
        "fields",
        str,
        lambda row: None if row[1].fields is None else to_json(row[1].fields).decode(),
    ),
    Column("messages_sha256", str, lambda row: row[1].messages),
)
