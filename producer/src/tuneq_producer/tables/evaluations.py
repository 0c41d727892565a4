"""The evaluations that runs have asked for, and how they compare."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tuneq_producer.report.assemble import Report
from tuneq_producer.report.pairing import Comparison, Uncompared
from tuneq_producer.tables.table import Column, Table, high, low, table_of
from tuneq_producer.views.documents import to_json
from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_producer.views.run_view import RunView

_Pair = Comparison | Uncompared


@dataclass(frozen=True, slots=True)
class Asked:
    """An evaluation, and the run whose model it measures; none for a baseline."""

    view: EvaluationView
    run: RunView | None


def evaluations_table(runs: Iterable[RunView]) -> Table:
    """A row for each evaluation, however many runs have asked for it."""
    return table_of("evaluations", _COLUMNS, evaluations_of(runs))


def evaluations_of(runs: Iterable[RunView]) -> Iterator[Asked]:
    """Each evaluation once."""
    seen: set[str] = set()
    for run in runs:
        for view in run.evaluations:
            if view.evaluation not in seen:
                seen.add(view.evaluation)
                yield Asked(view, run if view.role == "tuned" else None)


def comparisons_table(report: Report) -> Table:
    """A row for each pair of a tuned model and a baseline; with the reason where it has no test."""
    pairs: tuple[_Pair, ...] = (*report.comparison, *report.uncompared)
    return table_of("comparisons", _COMPARISONS, pairs)


_COLUMNS: tuple[Column[Asked], ...] = (
    Column("evaluation", str, lambda each: each.view.evaluation),
    Column("role", str, lambda each: each.view.role),
    Column("run", str, lambda each: each.run.run if each.run else None),
    Column("name", str, lambda each: each.run.name if each.run else None),
    Column("model", str, lambda each: each.view.model),
    Column("shots", int, lambda each: each.view.shots),
    Column("account", str, lambda each: each.view.account),
    Column("stage", str, lambda each: each.view.stage),
    Column("accuracy", float, lambda each: each.view.accuracy),
    Column("interval_low", float, lambda each: low(each.view.interval)),
    Column("interval_high", float, lambda each: high(each.view.interval)),
    Column("samples", int, lambda each: each.view.samples),
    Column("correct", int, lambda each: each.view.correct),
    Column("wrong", int, lambda each: each.view.wrong),
    Column("unparsed", int, lambda each: each.view.unparsed),
    Column("refused", int, lambda each: each.view.refused),
    Column("errored", int, lambda each: each.view.errored),
    Column("strict", int, lambda each: each.view.strict),
    Column("cached", int, lambda each: each.view.cached),
    Column("prompt_tokens", int, lambda each: each.view.prompt_tokens),
    Column("completion_tokens", int, lambda each: each.view.completion_tokens),
    Column("cost_usd", float, lambda each: each.view.cost_usd),
    Column("mode", str, lambda each: each.view.mode),
    Column("system", str, lambda each: each.view.system),
    Column("prompt", str, lambda each: each.view.prompt),
    Column("scorer", str, lambda each: each.view.scorer),
    Column("scorer_options", str, lambda each: to_json(each.view.scorer_options).decode()),
    Column("scorer_version", int, lambda each: each.view.scorer_version),
    Column("dataset", str, lambda each: each.view.dataset),
    Column("dataset_sha256", str, lambda each: each.view.dataset_digest),
    Column("limit", int, lambda each: each.view.limit),
    Column("artifact", str, lambda each: each.view.artifact),
)


def _tested(pair: _Pair) -> Comparison | None:
    return pair if isinstance(pair, Comparison) else None


def _difference(pair: _Pair) -> tuple[float, float] | None:
    test = _tested(pair)
    return test.difference_interval if test else None


def _figure(name: str, field: str, kind: type[str] | type[int] | type[float]) -> Column[_Pair]:
    return Column(name, kind, lambda pair: getattr(_tested(pair), field, None))


_COMPARISONS: tuple[Column[_Pair], ...] = (
    Column("run", str, lambda pair: pair.run),
    Column("name", str, lambda pair: pair.name),
    Column("baseline", str, lambda pair: pair.baseline),
    _figure("evaluation", "evaluation", str),
    _figure("baseline_evaluation", "baseline_evaluation", str),
    _figure("samples", "samples", int),
    _figure("only_baseline", "b", int),
    _figure("only_tuned", "c", int),
    _figure("difference_points", "difference", float),
    Column("interval_low", float, lambda pair: low(_difference(pair))),
    Column("interval_high", float, lambda pair: high(_difference(pair))),
    _figure("p_value", "p_value", float),
    _figure("mid_p_value", "mid_p_value", float),
    Column("reason", str, lambda pair: getattr(pair, "reason", None)),
)
