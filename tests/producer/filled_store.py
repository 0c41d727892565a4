"""Runs and evaluations put into a real store by hand, in any stage."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from tuneq_producer.client import Client
from tuneq_shared.domain.evaluation import Counts, Evaluation, EvaluationSpec, Outcome, Shard
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import (
    TRANSITIONS,
    EvaluationStage,
    RunStage,
    ShardStage,
    is_terminal,
)
from tuneq_shared.domain.record import Item, document, fixed_part
from tuneq_shared.domain.request import FineTuneRequest
from tuneq_shared.domain.run import Asked, Prepared, Run
from tuneq_shared.ports.items import Commit, NewItem, Park, Slot
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.retention import RedisRetention

BASE = "gpt-4.1-mini-2025-04-14"
DIGEST = "d" * 64
_LEASE_S = 30.0
_LATER_S = 3600.0


def request(name: str, *, group: str = "g", **fields: Any) -> FineTuneRequest:
    return FineTuneRequest.model_validate(
        {
            "name": name,
            "group": group,
            "account": "sandbox",
            "model": BASE,
            "training_file": f"sha256:{'a' * 64}",
            **fields,
        }
    )


def run_of(name: str, stage: RunStage, *, group: str = "g", **fields: Any) -> Run:
    asked_for = fields.pop("request", None) or request(name, group=group)
    return Run(id=asked_for.run_id(), stage=stage, request=asked_for, created_at=0.0, **fields)


def put_run(
    client: Client, run: Run, *, park: ItemId | None = None, take: Slot | None = None
) -> str:
    """Create the run and bring it to its stage; then it is due much later, parked, or in line."""
    new = NewItem(
        item=run.item,
        stage=RunStage.SUBMITTED,
        fixed=fixed_part(run),
        doc={},
        digest=run.request.digest(),
        group=run.request.group,
        name=run.name,
    )
    _put(client, new, run, Park(park) if park else None, take)
    return run.id


def move_run(client: Client, run: Run, stage: RunStage, **fields: Any) -> Run:
    """Bring a run that is due later to another stage."""
    moved = replace(run, stage=stage, **fields)
    client.items.wake([run.item])
    bring(client, moved, run.stage)
    return moved


def spec_of(model: str, *, shots: int = 0, **fields: Any) -> EvaluationSpec:
    known: dict[str, Any] = {"dataset": f"sha256:{DIGEST}", "dataset_digest": DIGEST, **fields}
    return EvaluationSpec(
        account="sandbox",
        model=model,
        scorer=known.pop("scorer", "choice"),
        max_tokens=8,
        temperature=0.0,
        shots=shots,
        **known,
    )


def put_evaluation(
    client: Client,
    spec: EvaluationSpec,
    stage: EvaluationStage = EvaluationStage.DONE,
    *,
    outcomes: Sequence[Outcome] | None = None,
    **fields: Any,
) -> Evaluation:
    """Create the evaluation; with outcomes, its predictions and counts are made of them."""
    key = spec.fingerprint()
    if outcomes is not None:
        fields["artifact"] = f"evaluations/{key}/predictions.jsonl"
        write_predictions(client, fields["artifact"], outcomes)
        fields["counts"] = Counts(**{o.value: outcomes.count(o) for o in Outcome})
    evaluation = Evaluation(id=key, stage=stage, spec=spec, **fields)
    new = NewItem(
        item=evaluation.item,
        stage=EvaluationStage.PENDING,
        fixed=fixed_part(evaluation),
        doc=document(Evaluation(id=key, stage=EvaluationStage.PENDING, spec=spec)),
        digest=key,
    )
    _put(client, new, evaluation, None, None)
    return evaluation


def put_shards(client: Client, evaluation: Evaluation, done: int) -> None:
    """Create the shards of an evaluation, the first so many of them done."""
    for index in range(evaluation.shards):
        stage = ShardStage.DONE if index < done else ShardStage.PENDING
        shard = Shard(
            id=evaluation.shard_item(index).key,
            stage=stage,
            spec=evaluation.spec,
            evaluation=evaluation.id,
            index=index,
            start=index,
            stop=index + 1,
        )
        new = NewItem(
            item=shard.item, stage=ShardStage.PENDING, fixed=fixed_part(shard), doc=document(shard)
        )
        _put(client, new, shard, None, None)


def write_predictions(client: Client, path: str, outcomes: Iterable[Outcome]) -> None:
    with client.data.write(path) as file:
        for sample, outcome in enumerate(outcomes):
            row = {"sample": sample, "outcome": outcome, "answer": "A", "target": "A"}
            file.write(json.dumps(row).encode() + b"\n")


def evaluated_run(
    client: Client,
    name: str,
    samples: int,
    outcomes: Sequence[Outcome],
    /,
    *baselines: Evaluation,
    group: str = "g",
    spec: Mapping[str, Any] = MappingProxyType({}),
    artifacts: Sequence[str] = (),
    **asked: Any,
) -> Run:
    """A run that has succeeded, its tuned model scored, beside these baselines."""
    model = f"ft:{BASE}:{name}" if group == "g" else f"ft:{BASE}:{group}:{name}"
    tuned = put_evaluation(client, spec_of(model, **spec), outcomes=outcomes)
    run = run_of(
        name,
        RunStage.SUCCEEDED,
        request=request(name, group=group, **asked),
        fine_tuned_model=model,
        prepared=Prepared("e" * 64, samples, 9 * samples, "characters/4"),
        asked=(
            Asked(tuned.id, model, "tuned"),
            *(Asked(b.id, b.spec.model, "baseline", b.spec.shots, reused=True) for b in baselines),
        ),
        cost_estimated=0.5,
        cost_actual=0.25,
        finished_at=1.0,
        artifacts=tuple(artifacts),
    )
    put_run(client, run)
    return run


def put_away(client: Client) -> None:
    """Let all that has ended leave Redis for the archive."""
    settings = client.settings
    with connect(settings.redis_url) as redis:
        retention = RedisRetention(redis, settings.key_prefix)
        for kind in (Kind.RUN, Kind.EVALUATION):
            items = retention.old(kind, retention.cutoff(0.0), 0, 100)
            assert all(client.archive.put_away(retention.read(items)))


def _put(client: Client, new: NewItem, item: Item, park: Park | None, take: Slot | None) -> None:
    client.items.create([new])
    bring(client, item, new.stage, park, take)


def bring(
    client: Client, item: Item, begun: str, park: Park | None = None, take: Slot | None = None
) -> None:
    """Step by step from a stage to the item's, as workers do; each commit writes all of it."""
    for stage in _path(item, begun):
        claim = client.items.claim(item.item, _LEASE_S)
        assert claim is not None
        last = stage == item.stage
        client.items.commit(
            claim,
            Commit(
                stage=stage,
                doc=document(item),
                delay_s=_LATER_S if last else 0.0,
                park=park if last else None,
                take=take if last else None,
            ),
        )


def _path(item: Item, begun: str) -> list[str]:
    """The legal way to the item's stage, by failing, being held or cancelled only at its end."""
    paths, seen = [[begun]], {begun}
    for path in paths:
        if path[-1] == item.stage:
            return path[1:] or path
        if not is_terminal(item.item.kind, path[-1]) and path[-1] != RunStage.HELD:
            for after in sorted(TRANSITIONS[item.item.kind][path[-1]] - seen):
                seen.add(after)
                paths.append([*path, after])
    raise AssertionError(f"no way from {begun} to {item.stage}")
