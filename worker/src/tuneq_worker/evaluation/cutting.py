"""Cutting an evaluation into shards, after a look at every one of its samples."""

from typing import NamedTuple

import orjson

from tuneq_shared.domain.evaluation import SHARD_SAMPLES, EvaluationSpec
from tuneq_shared.errors import InvalidInputError
from tuneq_worker.evaluation.samples import estimated_tokens
from tuneq_worker.evaluation.scorers import scorer_of
from tuneq_worker.evaluation.scorers.targets import fit_samples
from tuneq_worker.ports.stage import Ports

_BESIDE_MESSAGES = 1024  # bytes of a request in a batch's file, at most


class Cut(NamedTuple):
    """The samples of each shard, by their places, and about the tokens of all their questions."""

    places: list[range]
    tokens: int


def cut(spec: EvaluationSpec, ports: Ports) -> Cut:
    """Look at every sample, and part them. In batches, each shard is one.

    Raises:
        InvalidInputError: a line is no sample, its target none that the scorer can read, the
            scorer is not to be had here, or the account has no batches.
        NotFoundError: the dataset is not there.
    """
    most, room = SHARD_SAMPLES, 0
    if spec.mode == "batch":
        able = ports.settings.account(spec.account)[1].capabilities
        if not able.batch:
            # The same evaluation in the other mode would share this one, and so its mode.
            words = f"account {spec.account!r} has no batches; with --fresh it is asked directly"
            raise InvalidInputError(words)
        most, room = able.batch_requests, able.batch_bytes
    shards = list[range]()
    start = stop = taken = tokens = 0
    for sample in fit_samples(spec, scorer_of(spec, ports.settings), ports.data):
        size = len(orjson.dumps(sample.messages)) + _BESIDE_MESSAGES if room else 0
        if stop - start == most or (stop > start and taken + size > room):
            shards.append(range(start, stop))
            start, taken = stop, 0
        stop += 1
        taken += size
        tokens += estimated_tokens(sample.messages)
    return Cut([*shards, range(start, stop)] if stop else [], tokens)
