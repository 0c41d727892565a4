"""A shard's part: what has become of its samples so far, as a file under the data root."""

import re
from collections.abc import Mapping
from dataclasses import replace

from tuneq_shared.domain.evaluation import Outcome, Shard
from tuneq_shared.domain.failure import Failure
from tuneq_worker.evaluation.judging import scored_again
from tuneq_worker.evaluation.predictions import (
    Prediction,
    count,
    read_predictions,
    write_predictions,
)
from tuneq_worker.evaluation.samples import read_samples
from tuneq_worker.evaluation.scorers import scorer_of
from tuneq_worker.ports.stage import Lease, Ports


def answered(shard: Shard, ports: Ports) -> dict[int, Prediction]:
    """What need not be asked again. Answers that the scorer failed at are given to it once more.

    Raises:
        UnusableScorerError: there are such answers, and this worker has no such scorer.
    """
    rows = kept_rows(shard, ports)
    errored = {index for index, row in rows.items() if row.outcome is Outcome.ERRORED}
    unjudged = {index for index in errored if rows[index].answer is not None}
    kept = {index: row for index, row in rows.items() if index not in errored - unjudged}
    if unjudged:
        scorer = scorer_of(shard.spec, ports.settings)
        for sample in read_samples(shard.spec, ports.data, shard.start, shard.stop):
            if sample.index in unjudged:
                kept[sample.index] = scored_again(scorer, sample, kept[sample.index])
    return kept


def kept_rows(shard: Shard, ports: Ports) -> dict[int, Prediction]:
    """The part's rows, by sample."""
    if shard.part is None:
        return {}
    return {row.sample: row for row in read_predictions(ports.data, shard.part)}


def strewn(shard: Shard, ports: Ports) -> dict[int, Prediction]:
    """Answers in every part that was written for the shard, though Redis may have lost its name."""
    folder = f"evaluations/{shard.evaluation}/parts"
    whole = re.compile(rf"{shard.index}-\d+\.jsonl")
    rows: dict[int, Prediction] = {}
    for name in filter(whole.fullmatch, ports.data.names(folder)):
        rows |= answered(replace(shard, part=f"{folder}/{name}"), ports)
    # An evaluation that was lost as a whole may be cut otherwise than before.
    return {index: row for index, row in rows.items() if shard.start <= index < shard.stop}


def with_part(
    shard: Shard, rows: Mapping[int, Prediction], ports: Ports, lease: Lease[Shard]
) -> Shard:
    """Write the rows as the shard's part, and set its counts by them."""
    # The token in the name keeps a worker that lost its lease from writing over its successor.
    path = f"evaluations/{shard.evaluation}/parts/{shard.index}-{lease.token}.jsonl"
    ordered = [rows[index] for index in sorted(rows)]
    write_predictions(ports.data, path, ordered)
    error = next((row.error for row in ordered if row.outcome is Outcome.ERRORED), None)
    failure = Failure("sample_errored", error) if error else None
    return replace(shard, part=path, counts=count(ordered), failure=failure)
