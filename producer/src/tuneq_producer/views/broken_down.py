"""An evaluation by label, by subject and by field, from its predictions."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from tuneq_producer.statistics.wilson import wilson_interval
from tuneq_producer.views.breakdown import MOST, Breakdown, Confused, Part
from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_producer.views.loading import tell
from tuneq_shared.data.json_fields import NoJsonError, json_fields, read_json
from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.evaluation import Outcome
from tuneq_shared.errors import NotFoundError, UnreadableError

_NAMING = {"choice", "exact", "normalised", "regex"}  # scorers that read one of few answers


@dataclass(frozen=True, slots=True)
class _Row:
    outcome: Outcome
    target: str = ""
    parsed: str | None = None
    label: str | None = None
    subject: str | None = None
    fields: dict[str, bool] | None = None


_ROW = TypeAdapter(_Row)


def broken_down(data: DataRoot, view: EvaluationView) -> EvaluationView:
    """The view with its breakdown, where it is done and its data has labels, subjects or fields.

    Predictions that are gone or damaged are told of on stderr.
    """
    if view.accuracy is None or view.artifact is None:
        return view
    try:
        with data.read(view.artifact) as file:
            found = _breakdown(map(_ROW.validate_json, file), view.scorer or "")
    except (NotFoundError, ValidationError) as error:
        reason = "damaged" if isinstance(error, ValidationError) else "gone"
        tell(UnreadableError(f"the predictions of {view.model} are {reason}: {view.artifact}"))
        return view
    return replace(view, breakdown=found)


def _breakdown(rows: Iterable[_Row], scorer: str) -> Breakdown | None:
    counted: dict[str, Counter[str]] = {"labels": Counter(), "subjects": Counter()}
    counted["fields"] = Counter()
    right = {name: Counter[str]() for name in counted}
    confused = Counter[tuple[str, str | None]]()
    for row in rows:
        correct = row.outcome is Outcome.CORRECT
        for name, key in (("labels", row.label), ("subjects", row.subject)):
            if key is not None:
                counted[name][key] += 1
                right[name][key] += correct
        if row.label is not None and scorer in _NAMING:
            confused[row.label, row.parsed] += 1
        if scorer == "json":
            for path, is_right in _fields(row).items():
                counted["fields"][path] += 1
                right["fields"][path] += is_right
    if not any(counted.values()):
        return None
    sizes = {**{name: len(counts) for name, counts in counted.items()}, "confusion": len(confused)}
    return Breakdown(
        **{name: _parts(counts, right[name]) for name, counts in counted.items()},
        confusion=tuple(
            Confused(label, parsed, samples)
            for (label, parsed), samples in confused.most_common(MOST)
        ),
        omitted={name: size - MOST for name, size in sizes.items() if size > MOST},
    )


def _fields(row: _Row) -> Mapping[str, bool]:
    """Refused answers have no field right."""
    if row.fields is not None or row.outcome is not Outcome.REFUSED:
        return row.fields or {}
    try:
        return {path: False for path, _ in json_fields(read_json(row.target))}
    except NoJsonError:  # in a code fence: its fields are not counted
        return {}


def _parts(counts: Counter[str], right: Counter[str]) -> tuple[Part, ...]:
    return tuple(
        Part(name, n, right[name], right[name] / n, wilson_interval(right[name], n))
        for name, n in counts.most_common(MOST)
    )
