from pathlib import Path

import orjson
import pytest
from tests.worker.fakes import METRICS, FakeLease, World, refusal

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Run
from tuneq_worker.ports.provider import JobStatus, ProviderError
from tuneq_worker.ports.stage import Advance
from tuneq_worker.stages.collect import collect


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def trained(world: World, *result_files: str, evaluated: bool = False) -> Run:
    job = world.provider.put_job("r/0")
    world.provider.set_job(job.id, JobStatus.SUCCEEDED, result_files=result_files)
    fields = world.with_evaluation("one") if evaluated else {}
    request = world.request(**fields)
    return world.a_run(RunStage.COLLECTING, request, job_id=job.id, trained_tokens=1_000_000)


def collected(world: World, run: Run) -> Advance[Run]:
    result = collect(run, world.ports, FakeLease())
    assert isinstance(result, Advance)
    return result


def lines(world: World, path: str) -> list[dict[str, object]]:
    with world.ports.data.read(path) as file:
        return [orjson.loads(line) for line in file]


def test_all_that_the_job_left_is_kept(world: World) -> None:
    run = trained(world, "result-1")
    result = collected(world, run)
    folder = f"runs/{run.id}/{run.job_id}"
    assert result.item.artifacts == (
        f"{folder}/events.jsonl",
        f"{folder}/checkpoints.jsonl",
        f"{folder}/result-1.raw",
        f"{folder}/result-1.metrics.jsonl",
    )
    with world.ports.data.read(f"{folder}/result-1.raw") as file:
        assert file.read() == METRICS
    (row,) = lines(world, f"{folder}/result-1.metrics.jsonl")
    assert (row["step"], row["train_loss"]) == (1, 0.5)
    assert len(lines(world, f"{folder}/events.jsonl")) == 2
    assert len(lines(world, f"{folder}/checkpoints.jsonl")) == 1
    assert result.item.cost_actual == pytest.approx(5.0)
    assert result.event == ""


def test_checkpoints_alone_may_tell_the_metrics(
    redis_url: str, store_prefix: str, tmp_path: Path
) -> None:
    capabilities = Capabilities(metrics="checkpoints")
    world = World(redis_url, store_prefix, tmp_path, capabilities=capabilities)
    run = trained(world, "weights.bin")
    folder = f"runs/{run.id}/{run.job_id}"
    assert collected(world, run).item.artifacts == (
        f"{folder}/events.jsonl",
        f"{folder}/checkpoints.jsonl",
        f"{folder}/checkpoints.metrics.jsonl",
    )
    assert world.provider.count("result_file") == 0
    assert [row["step"] for row in lines(world, f"{folder}/checkpoints.metrics.jsonl")] == [1]


def test_what_comes_next(world: World) -> None:
    assert collected(world, trained(world)).item.stage is RunStage.SUCCEEDED
    evaluated = trained(world, evaluated=True)
    assert collected(world, evaluated).item.stage is RunStage.EVALUATING


def test_a_result_file_that_is_gone_is_noted(world: World) -> None:
    result = collected(world, trained(world, "result-9", "result-1"))
    assert "result-9 cannot be had" in result.event
    assert len(result.item.artifacts) == 4


@pytest.mark.parametrize("file_id", ["../../x", "a/b.csv", "..", ".", "", "é\n", "x" * 300])
def test_a_result_file_may_have_any_name(world: World, file_id: str) -> None:
    world.provider.results[file_id] = METRICS
    run = trained(world, file_id, "result-1")
    result = collected(world, run)
    assert (result.event, len(set(result.item.artifacts))) == ("", 6)
    folder = f"runs/{run.id}/{run.job_id}"
    assert {path.rpartition("/")[0] for path in result.item.artifacts} == {folder}
    assert len(world.ports.data.names(folder)) == 6


@pytest.mark.parametrize("call", ["events", "checkpoints", "result_file"])
@pytest.mark.parametrize("kind", [ErrorKind.MALFORMED, ErrorKind.BAD_REQUEST])
def test_a_paid_run_does_without_what_cannot_be_had(
    world: World, call: str, kind: ErrorKind
) -> None:
    world.provider.by_hand = True
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    world.provider.goes_wrong(call, *[refusal(kind)] * 10)
    world.provider.set_job("job-1", JobStatus.SUCCEEDED, result_files=("result-1",))
    world.drive_to_end(item)
    assert world.run(item).stage is RunStage.SUCCEEDED
    assert any("cannot be had" in e.message for e in world.ports.catalogue.events(item))


def test_metrics_that_cannot_be_read_are_kept_raw_and_noted(world: World) -> None:
    world.provider.results["result-2"] = b"c3RlcCx0cmFpbl9sb3Nz"
    result = collected(world, trained(world, "result-2"))
    assert "result-2 holds no step metrics" in result.event
    assert result.item.artifacts[-1].endswith("result-2.raw")
    with world.ports.data.read(result.item.artifacts[-1]) as file:
        assert file.read() == b"c3RlcCx0cmFpbl9sb3Nz"


def test_collecting_again_is_the_same(world: World) -> None:
    run = trained(world, "result-1")
    assert collected(world, run).item == collected(world, run).item


def test_another_error_is_not_swallowed(world: World) -> None:
    run = trained(world, "result-1")
    world.provider.goes_wrong("result_file", refusal(ErrorKind.SERVER))
    with pytest.raises(ProviderError):
        collect(run, world.ports, FakeLease())


def test_each_try_comes_further(world: World) -> None:
    run = trained(world, "result-1")
    for call in ("events", "checkpoints", "job", "result_file"):
        world.provider.goes_wrong(call, refusal(ErrorKind.SERVER))
    tries = 0
    while True:
        tries += 1
        try:
            result = collected(world, run)
        except ProviderError:
            continue
        break
    assert tries == 5
    assert len(result.item.artifacts) == 4
    # Fetched once well, and once in vain; what was at home already was not fetched again.
    assert [world.provider.count(c) for c in ("events", "checkpoints", "result_file")] == [2, 2, 2]
