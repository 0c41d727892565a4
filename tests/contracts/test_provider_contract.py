"""What every adapter of the provider port must do, against a server of its dialect."""

import io
import uuid
from dataclasses import dataclass

import pytest
from tests.contracts.provider_benches import Bench
from tests.contracts.provider_orders import (
    LINES,
    LONG,
    ask,
    follow,
    fresh_lines,
    made_callable,
    spec,
    upload,
    wait_for,
)

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.request import Method, Supervised
from tuneq_worker.ports.provider import FileState, Job, JobStatus, Provider, ProviderError


@dataclass(frozen=True)
class Trained:
    """A job that has been followed to its end."""

    purchase: str
    job: Job
    seen: list[JobStatus]


@pytest.fixture(scope="module")
def trained(running: Bench) -> Trained:
    running.behave()
    provider = running.provider()
    file_id = upload(provider)
    order = spec(running, file_id, validation_file=upload(provider), suffix="mine")
    job, seen = follow(provider, provider.create_job(order))
    return Trained(order.purchase or "", job, seen)


def test_an_uploaded_file_is_found_by_its_name(provider: Provider) -> None:
    name, lines = f"{uuid.uuid4().hex}.jsonl", fresh_lines()
    assert provider.find_file(name) is None
    first, second = upload(provider, lines, name), upload(provider, lines, name)
    found = provider.find_file(name)
    assert found is not None
    assert found.id in {first, second}
    assert found.state is FileState.READY


def test_a_deleted_file_is_gone_and_may_be_deleted_again(provider: Provider) -> None:
    name = f"{uuid.uuid4().hex}.jsonl"
    file_id, other = upload(provider, fresh_lines(), name), upload(provider)
    for _ in range(2):
        provider.delete_file(file_id)
        assert provider.find_file(name) is None
        with pytest.raises(ProviderError) as refused:
            provider.file(file_id)
        assert refused.value.kind is ErrorKind.NOT_FOUND
    assert provider.file(other).state is FileState.READY


def test_a_job_is_followed_to_its_model(trained: Trained, bench: Bench) -> None:
    job = trained.job
    assert job.status is JobStatus.SUCCEEDED
    assert job.model == bench.base_model
    assert job.fine_tuned_model
    assert job.trained_tokens
    assert job.purchase == (trained.purchase if bench.capabilities.metadata else None)
    assert (job.error_code, job.error_message) == (None, None)
    assert JobStatus.UNKNOWN not in trained.seen


def test_jobs_are_found_by_purchase_alone(trained: Trained, bench: Bench) -> None:
    if not bench.capabilities.metadata:
        pytest.skip("this account keeps no metadata")
    provider = bench.provider()
    for ignored in ({}, {"filters": True}, {"cursors": True}, {"filters": True, "cursors": True}):
        bench.ignore(**ignored)
        found = provider.find_jobs(trained.purchase, trained.job.created_at)
        assert [job.id for job in found] == [trained.job.id]
        assert provider.find_jobs("nobody/1", trained.job.created_at) == []


def test_a_job_without_metadata_is_found_by_its_file(bench: Bench) -> None:
    provider = bench.provider()
    order = spec(bench, upload(provider, fresh_lines()), purchase=None)
    bought = provider.create_job(order)
    for ignored in ({}, {"cursors": True}):
        bench.ignore(**ignored)
        for since in (None, bought.created_at):
            (found,) = provider.find_jobs_on(order.training_file, since)
            assert (found.id, found.purchase) == (bought.id, None)
        assert provider.find_jobs_on("file-gone", None) == []


def test_all_jobs_are_listed_once_with_what_identifies_them(trained: Trained, bench: Bench) -> None:
    provider = bench.provider()
    labels = {"tuneq_group": "g", "tuneq_name": "n"}
    order = spec(bench, upload(provider), labels=labels)
    bought = provider.create_job(order)
    for ignored in ({}, {"cursors": True}):
        bench.ignore(**ignored)
        listed = list(provider.all_jobs())
        known = {job.id: job for job in listed}
        assert len(known) == len(listed)
        assert known[trained.job.id] == trained.job
        marked = bench.capabilities.metadata
        assert known[bought.id].purchase == (order.purchase if marked else None)
        assert known[bought.id].training_file == order.training_file
        assert known[bought.id].labels == (labels if bench.keeps_labels else {})


def test_sweep_leaves_out_what_is_gone(trained: Trained, provider: Provider) -> None:
    found = provider.sweep([trained.job.id, "ftjob-gone", "ftjob-lost"])
    assert [job.id for job in found] == [trained.job.id]


def test_sweep_shows_the_other_active_jobs_where_asked_to(trained: Trained, bench: Bench) -> None:
    provider = bench.provider()
    method = Method(supervised=Supervised(hyperparameters=LONG))
    other = provider.create_job(spec(bench, upload(provider), method=method))
    assert [job.id for job in provider.sweep([trained.job.id])] == [trained.job.id]
    for wanted in ([], [trained.job.id], [trained.job.id, "ftjob-gone"]):
        active = [j for j in provider.sweep(wanted, others=True) if j.id not in wanted]
        assert other.id in [job.id for job in active]
        assert all(job.status.is_active for job in active)
    provider.cancel_job(other.id)
    wait_for(
        lambda: other.id not in [job.id for job in provider.sweep([], others=True)],
        "a job that has ended is not shown",
    )


def test_events_tell_the_story_in_order(trained: Trained, bench: Bench) -> None:
    events = bench.provider().events(trained.job.id)
    if not bench.tells_story:
        assert events == []
        return
    times = [event["created_at"] for event in events]
    assert len(events) > 5
    assert times == sorted(times)
    assert trained.job.id in events[0]["message"]


def test_checkpoints_name_models_that_answer(trained: Trained, bench: Bench) -> None:
    provider = bench.provider()
    checkpoints = provider.checkpoints(trained.job.id)
    if not bench.tells_story:
        assert checkpoints == []
        return
    assert checkpoints
    if bench.capabilities.deployment:
        return
    assert ask(provider, checkpoints[0]["fine_tuned_model_checkpoint"])[0].text


def test_result_files_hold_step_metrics(trained: Trained, bench: Bench) -> None:
    provider = bench.provider()
    if bench.capabilities.metrics == "checkpoints":
        assert trained.job.result_files == ()
        return
    (file_id,) = trained.job.result_files
    metrics = provider.metrics(provider.result_file(file_id))
    assert [metric.step for metric in metrics] == list(range(1, 16))
    assert all(metric.train_loss is not None for metric in metrics)
    assert any(metric.valid_loss is not None for metric in metrics)


def test_checkpoints_hold_step_metrics(trained: Trained, bench: Bench) -> None:
    if bench.capabilities.metrics != "checkpoints":
        pytest.skip("this account's step metrics stand in result files")
    provider = bench.provider()
    checkpoints = provider.checkpoints(trained.job.id)
    metrics = provider.checkpoint_metrics(checkpoints)
    assert len(metrics) == len(checkpoints)
    assert [metric.step for metric in metrics] == sorted(metric.step for metric in metrics)
    assert all(metric.train_loss is not None for metric in metrics)


def test_base_and_tuned_models_answer_many_at_once(trained: Trained, bench: Bench) -> None:
    provider = bench.provider()
    assert trained.job.fine_tuned_model
    for model in (bench.base_model, trained.job.fine_tuned_model):
        answers = ask(provider, made_callable(provider, model), times=20)
        assert len(answers) == 20
        for answer in answers:
            assert answer.text
            assert not answer.refused
            assert answer.prompt_tokens > 0
            assert answer.completion_tokens > 0


def test_a_job_is_cancelled_once_and_then_stays_as_it_is(bench: Bench) -> None:
    provider = bench.provider()
    method = Method(supervised=Supervised(hyperparameters=LONG))
    job = provider.create_job(spec(bench, upload(provider), method=method))
    assert not job.status.is_terminal
    provider.cancel_job(job.id)
    ended, _ = follow(provider, job)
    assert ended.status is JobStatus.CANCELLED
    assert provider.cancel_job(job.id) == ended


def test_cancel_of_a_finished_job_leaves_it_alone(trained: Trained, provider: Provider) -> None:
    assert provider.cancel_job(trained.job.id) == trained.job


def test_a_bad_file_fails_with_its_line(bench: Bench) -> None:
    provider = bench.provider()
    file = provider.upload("bad.jsonl", io.BytesIO(LINES + b"{not json\n"))
    wait_for(lambda: provider.file(file.id).state is not FileState.PENDING, "file is processed")
    seen = provider.file(file.id)
    if seen.state is FileState.ERROR:
        assert "21" in seen.detail
        return
    job, _ = follow(provider, provider.create_job(spec(bench, file.id)))
    assert job.status is JobStatus.FAILED
    assert job.error_code
    assert "21" in (job.error_message or "")
