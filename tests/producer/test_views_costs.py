"""What evaluations cost, as `tuneq show` and `tuneq report` tell it, and where they were asked."""

from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console
from tests.producer.filled_store import (
    BASE,
    evaluated_run,
    put_evaluation,
    put_run,
    run_of,
    spec_of,
)

from tuneq_producer.client import Client
from tuneq_producer.report.assemble import assemble
from tuneq_producer.report.rows import rows_of
from tuneq_producer.report.tables import notes
from tuneq_producer.views.reading import one_run_view
from tuneq_producer.views.run_page import print_run
from tuneq_shared.domain.evaluation import Counts, Outcome
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Asked

TOKENS = Counts(correct=1, prompt_tokens=700, completion_tokens=30)


def test_each_evaluation_that_was_bought_counts_once(client: Client) -> None:
    elsewhere = replace(spec_of("big"), account="twin")
    given: dict[str, Any] = {"cost_usd": 4.0, "cost_estimated": 6.0, "counts": TOKENS}
    shared = put_evaluation(client, elsewhere, **given)
    before = put_evaluation(client, spec_of("old"), cost_usd=9.0)
    runs = []
    for number, name in enumerate("ab"):
        tuned = put_evaluation(
            client, spec_of(f"ft:{BASE}:{name}"), cost_usd=1.5, cost_estimated=2.0
        )
        run = run_of(
            name,
            RunStage.SUCCEEDED,
            fine_tuned_model=tuned.spec.model,
            cost_actual=0.25,
            asked=(
                Asked(tuned.id, tuned.spec.model, "tuned"),
                Asked(shared.id, "big", "baseline", reused=bool(number)),
                Asked(before.id, "old", "baseline", reused=True),
            ),
        )
        runs.append(put_run(client, run))
    view = one_run_view(client, runs[0])
    assert view.cost_usd.evaluation == 1.5
    report = assemble(client, runs, "g")
    assert (report.cost_usd.evaluation, report.cost_usd.evaluations) == (7.0, 3)
    assert report.cost_usd.total == pytest.approx(7.5)
    told = list(notes(report))
    most, actual = "estimated at most 10.00 USD", "actual 7.00 USD (3 evaluations)"
    assert f"evaluation cost: {most}, {actual}" in told
    assert "cost in all: 7.50 USD" in told
    console = Console(width=200)
    with console.capture() as captured:
        print_run(console, view, [])
    assert "estimated at most 2.00, actual 1.50" in captured.get()
    assert "4.0000 USD for 700 + 30 tokens" in captured.get()


def test_a_baseline_of_another_account_says_so(client: Client) -> None:
    right = [Outcome.CORRECT]
    own = put_evaluation(client, spec_of(BASE, shots=1), outcomes=right)
    twin = put_evaluation(client, replace(own.spec, account="twin"), outcomes=right)
    run = evaluated_run(client, "a", 50, right, own, twin)
    report = assemble(client, [run.id], "g")
    assert [row.name for row in rows_of(report)] == [BASE, f"{BASE}@twin", "a"]
    assert [pair.baseline for pair in report.comparison] == [f"{BASE}:1", f"{BASE}:1@twin"]
    assert [each.elsewhere for each in report.runs[0].evaluations] == [None, None, "twin"]
