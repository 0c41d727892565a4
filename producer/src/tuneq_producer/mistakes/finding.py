"""All that went wrong in the evaluation of a run's tuned model."""

from collections.abc import Callable

from tuneq_producer.mistakes.choosing import chosen_baseline, tuned_evaluation
from tuneq_producer.mistakes.counting import Counting
from tuneq_producer.mistakes.mistake import Mistake
from tuneq_producer.mistakes.pairs import Pair, read_pairs
from tuneq_producer.mistakes.summary import By, Summary
from tuneq_producer.report.pairing import baseline_name
from tuneq_producer.views.breakdown import MOST
from tuneq_producer.views.run_view import RunView
from tuneq_shared.data_root import DataRoot


def find_mistakes(
    data: DataRoot,
    run: RunView,
    *,
    against: str | None = None,
    by: By | None = None,
    keep: int,
    each: Callable[[Pair, Mistake], object] | None = None,
) -> Summary:
    """Go through the samples once, holding none of them.

    Args:
        data: where predictions and dataset lie.
        run: whose tuned model was evaluated.
        against: a baseline as `--baseline` names it; by default the first that was scored alike.
        by: what to group by; by default the label, else the subject, where there are any.
        keep: mistakes that the summary holds, at most.
        each: is given every mistake.

    Raises:
        NotFoundError: there is no evaluation, or its files are gone.
        InvalidInputError: it has not ended, there is no such baseline, or the dataset has changed.
        UnreadableError: predictions are damaged.
    """
    tuned = tuned_evaluation(run)
    baseline, note = chosen_baseline(run, tuned, against)
    counting = Counting(keep, each)
    for pair in read_pairs(data, tuned, baseline):
        counting.add(pair)
    paired = baseline is not None
    parted = counting.by(by)
    groups = counting.groups(parted, paired=paired) if parted else []
    return Summary(
        run=run.run,
        name=run.name,
        group=run.group,
        model=tuned.model,
        evaluation=tuned.evaluation,
        baseline=baseline_name(baseline) if baseline else None,
        baseline_evaluation=baseline.evaluation if baseline else None,
        note=note or None,
        total=counting.total(paired=paired),
        by=parted,
        groups=tuple(groups[:MOST]),
        omitted=max(0, len(groups) - MOST),
        mistakes=counting.kept,
    )
