"""How far running evaluations have come, by their shards."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tuneq_producer.client import Client
from tuneq_shared.domain.evaluation import Evaluation
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import EvaluationStage, ShardStage

_LOOKED_AT = 64
"""Unfinished shards of an evaluation that one look reads; shards are taken about in order."""


@dataclass(slots=True)
class ShardProgress:
    """Remembers the shards that are done, so that each look reads few."""

    client: Client
    _open: dict[str, list[ItemId]] = field(default_factory=dict)

    def look(self, evaluations: Iterable[Evaluation]) -> dict[str, tuple[int, int]]:
        """Shards done and shards in all, by evaluation, of those that are running."""
        running = {e.id: e for e in evaluations if e.stage is EvaluationStage.RUNNING}
        for key in self._open.keys() - running.keys():
            del self._open[key]  # ended, or begun anew: then all counts again
        for key, evaluation in running.items():
            every = map(evaluation.shard_item, range(evaluation.shards))
            self._open.setdefault(key, list(every))
        looked_at = [shard for key in running for shard in self._open[key][:_LOOKED_AT]]
        records = self.client.catalogue.read(looked_at)
        done = {r.item for r in records if r is not None and r.stage == ShardStage.DONE}
        answer = {}
        for key, evaluation in running.items():
            self._open[key] = [shard for shard in self._open[key] if shard not in done]
            answer[key] = (evaluation.shards - len(self._open[key]), evaluation.shards)
        return answer
