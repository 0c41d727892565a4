"""What `--dry-run` shows: what would be made, and what it would cost."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from tuneq_producer.submission.estimate import Estimate, ScoringCost, TrainingCost
from tuneq_producer.submission.planning import Plan
from tuneq_producer.views.words import usd
from tuneq_shared.data.tokens import ESTIMATE_METHOD

_SHOWN = 30


def rehearsed(plan: Plan, costs: Estimate, known: int | None) -> dict[str, Any]:
    """The document.

    Args:
        plan: of the rows.
        costs: of the plan.
        known: runs that are there already; none where Redis is away.
    """
    trained = not (costs.unpriced or costs.unread)
    scored = not costs.unpriced_answers
    return {
        "rows": plan.rows,
        "runs": len(plan.runs),
        "known": known,
        "groups": dict(plan.groups),
        "groups_usd": costs.by_group(),  # of what has a price
        "accounts": dict(plan.accounts),
        "evaluated": plan.evaluated,
        "training_tokens": costs.tokens,
        "token_method": "; ".join(sorted(costs.methods)) or ESTIMATE_METHOD,
        "cost_usd": costs.training_usd if trained else None,  # of training
        "evaluation_usd": costs.scoring_usd if scored else None,
        "total_usd": costs.usd if trained and scored else None,
        "unpriced": costs.unpriced,
        "unpriced_answers": costs.unpriced_answers,
        "unread": costs.unread,
        "trainings": [asdict(each) for each in costs.trainings],
        "evaluations": [asdict(each) for each in costs.scorings],
    }


def rehearsal_lines(document: dict[str, Any], costs: Estimate) -> Iterator[str]:
    """The same for people."""
    yield f"{document['rows']} rows would make {document['runs']} runs, nothing was created"
    if document["known"]:
        yield f"{document['known']} of them are there already"
    for group, runs in document["groups"].items():
        yield f"  group {group}: {runs}"
    yield (
        f"training: about {costs.tokens} tokens in all epochs, "
        f"estimated by {document['token_method']}"
    )
    yield from _shown([_training(each) for each in costs.trainings])
    if costs.scorings:
        asked = sum(each.input_tokens * each.evaluations for each in costs.scorings)
        answered = sum(each.output_tokens * each.evaluations for each in costs.scorings)
        yield f"evaluation: about {asked} tokens in, and at most {answered} out"
        yield from _shown([_scoring(each) for each in costs.scorings])
    if document["cost_usd"] is not None:
        parts = f"{usd(costs.training_usd)} for training"
        if costs.scorings and document["evaluation_usd"] is not None:
            parts += f", up to {usd(costs.scoring_usd)} for evaluations"
        yield f"cost: about {usd(costs.usd)} USD: {parts}"
    for unknown in costs.unknown:
        yield f"cost: unknown; {unknown}"


def _training(cost: TrainingCost) -> str:
    lines = "a file at the provider" if cost.samples is None else f"{cost.samples} samples"
    tokens = "" if cost.tokens is None else f", {cost.tokens} tokens"
    return f"{cost.runs} x {cost.model}, {lines}, {cost.epochs} epochs{tokens}: {usd(cost.usd)} USD"


def _scoring(cost: ScoringCost) -> str:
    shots = f", {cost.shots} shots" if cost.shots else ""
    batch = ", in batches" if cost.mode == "batch" else ""
    what = f"{cost.role} {cost.model} at {cost.account}{shots}{batch}, {cost.samples} samples"
    return f"{cost.evaluations} x {what}: {usd(cost.usd)} USD"


def _shown(lines: list[str]) -> Iterator[str]:
    for line in lines[:_SHOWN]:
        yield f"  {line}, each" if not line.startswith("1 x") else f"  {line}"
    if len(lines) > _SHOWN:
        yield f"  and {len(lines) - _SHOWN} more kinds"
