"""Answers that were paid for once, kept under the data root where the configuration asks for it.

What a model answers at temperature 0 is taken for what it would answer again. A segment holds the
answers to one shard's samples. It is found by the account, the model, the parameters and the first
sample, and each answer in it by its own messages: so it serves another scorer, another limit, and
a dataset with some lines changed. Whoever writes a segment last wins, which costs no more than the
questions of the other.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping

import orjson
from pydantic import TypeAdapter, ValidationError

from tuneq_shared.data.digest import sha256_of_messages
from tuneq_shared.domain.evaluation import Outcome, Shard
from tuneq_shared.errors import DataRootError, NotFoundError, TuneqError
from tuneq_shared.settings import describe
from tuneq_worker.evaluation.judging import parameters, recalled
from tuneq_worker.evaluation.predictions import Prediction
from tuneq_worker.evaluation.samples import Sample, read_samples
from tuneq_worker.evaluation.scorers import scorer_of
from tuneq_worker.ports.stage import Ports

log = logging.getLogger(__name__)

FOLDER = "cache/answers"
_SEGMENT = TypeAdapter(dict[str, str])


def recall(shard: Shard, samples: Iterable[Sample], ports: Ports) -> dict[int, Prediction]:
    """The answers that are known already, scored; none are where a fresh evaluation is wanted."""
    if not _is_kept(shard, ports) or shard.spec.fresh:
        return {}
    known = _read(_segment(shard, ports), ports)
    scorer = scorer_of(shard.spec, ports.settings)
    texts = ((sample, known.get(sha256_of_messages(sample.messages))) for sample in samples)
    return {
        sample.index: recalled(scorer, sample, text) for sample, text in texts if text is not None
    }


def remember(shard: Shard, rows: Mapping[int, Prediction], ports: Ports) -> None:
    """Keep the answers among the rows, and let the oldest segments go where room is short."""
    if not _is_kept(shard, ports):
        return
    segment = _segment(shard, ports)
    known = _read(segment, ports)
    good = {
        row.messages: row.answer
        for row in rows.values()
        if row.outcome is not Outcome.REFUSED and row.answer is not None
    }
    if good.items() <= known.items():
        return
    try:
        with ports.data.write(segment) as file:
            file.write(orjson.dumps(known | good))
        ports.data.trim(FOLDER, ports.settings.answer_cache_bytes)
    except (DataRootError, OSError) as error:  # what was answered must not be lost with it
        log.warning("answers are not kept for another time: %s", error)


def _is_kept(shard: Shard, ports: Ports) -> bool:
    return shard.spec.temperature == 0 and ports.settings.answer_cache_bytes > 0


def _segment(shard: Shard, ports: Ports) -> str:
    spec = shard.spec
    first = next(read_samples(spec, ports.data, shard.start, shard.start + 1))
    named = [spec.account, spec.model, parameters(spec), sha256_of_messages(first.messages)]
    raw = orjson.dumps(named, option=orjson.OPT_SORT_KEYS)
    return f"{FOLDER}/{hashlib.sha256(raw).hexdigest()}.json"


def _read(segment: str, ports: Ports) -> dict[str, str]:
    """Texts by the digest of their messages."""
    try:
        with ports.data.read(segment) as file:
            return _SEGMENT.validate_json(file.read())
    except NotFoundError:
        pass
    except (ValidationError, TuneqError, OSError) as error:  # the evaluation must not fail with it
        words = describe(error) if isinstance(error, ValidationError) else error
        log.warning("%s cannot be read, its questions are asked again: %s", segment, words)
    return {}
