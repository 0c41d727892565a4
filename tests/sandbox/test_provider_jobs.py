import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from tests.sandbox.provider_server import ProviderServer, chat_lines, wait_for_job

BASE = "gpt-4.1-mini-2025-04-14"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderServer]:
    dates = {BASE: "2027-01-06"}
    with ProviderServer(tmp_path_factory.mktemp("jobs"), shutdown_dates=dates) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: ProviderServer) -> openai.OpenAI:
    return server.client()


@pytest.fixture(scope="module")
def training_file(client: openai.OpenAI) -> str:
    return upload(client, chat_lines(40))


def upload(client: openai.OpenAI, content: bytes) -> str:
    return client.files.create(file=("train.jsonl", content), purpose="fine-tune").id


def test_a_job_from_file_to_answer(client: openai.OpenAI, training_file: str) -> None:
    validation = upload(client, chat_lines(20, offset=100))
    made = client.fine_tuning.jobs.create(
        model=BASE,
        training_file=training_file,
        validation_file=validation,
        suffix="colours",
        seed=4,
        metadata={"team": "qa"},
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 4}}},
    )
    assert made.status == "validating_files"
    assert made.fine_tuned_model is None
    assert made.error is not None
    assert made.error.code is None  # as OpenAI's own `"error": {}`
    job = wait_for_job(client, made.id)
    assert job.status == "succeeded"
    assert job.fine_tuned_model == f"ft:{BASE}:sandbox:colours:{job.id[-8:]}"
    assert (job.seed, job.metadata) == (4, {"team": "qa"})
    assert job.method.supervised.hyperparameters.n_epochs == 4
    assert job.hyperparameters.batch_size == 1
    assert job.finished_at >= job.created_at
    assert job.trained_tokens % 4 == 0
    assert job.trained_tokens > 0

    answer = client.chat.completions.create(
        model=job.fine_tuned_model,
        max_tokens=8,
        messages=[
            {"role": "system", "content": "Answer with a letter."},
            {"role": "user", "content": "Which is a colour?\nOptions:(A) nine (B) green\nAnswer:"},
        ],
    )
    assert answer.choices[0].message.content == "B"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 1
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 1

    (result_id,) = job.result_files
    rows = list(csv.DictReader(io.StringIO(client.files.content(result_id).text)))
    assert list(rows[0]) == [
        "step",
        "train_loss",
        "train_accuracy",
        "valid_loss",
        "valid_mean_token_accuracy",
    ]
    assert len(rows) == 160
    assert rows[0]["valid_loss"] == ""
    assert float(rows[9]["valid_loss"]) > 0
    assert float(rows[0]["train_loss"]) > float(rows[-1]["train_loss"])

    checkpoints = client.fine_tuning.jobs.checkpoints.list(job.id).data
    assert [one.step_number for one in checkpoints] == [160, 120, 80]
    assert checkpoints[0].fine_tuned_model_checkpoint == job.fine_tuned_model
    assert checkpoints[0].metrics.full_valid_mean_token_accuracy == 1.0
    early = client.chat.completions.create(
        model=checkpoints[2].fine_tuned_model_checkpoint,
        messages=[{"role": "user", "content": "Q\nOptions:(A) red (B) three\nAnswer:"}],
    )
    assert early.choices[0].message.content == "A"

    events = list(client.fine_tuning.jobs.list_events(job.id, limit=50))
    assert events[0].message == "The job has successfully completed"
    assert events[-1].message == f"Created fine-tuning job: {job.id}"
    metrics = [event for event in events if event.type == "metrics"]
    assert len(metrics) == 160
    assert len({event.id for event in events}) == len(events)

    names = [model.id for model in client.models.list()]
    assert job.fine_tuned_model in names
    assert client.models.retrieve(job.fine_tuned_model).owned_by == "org-sandbox"
    assert client.models.retrieve(BASE).shutdown_date == "2027-01-06"


def test_equal_jobs_are_learnt_once_and_answer_alike(
    server: ProviderServer, client: openai.OpenAI, training_file: str
) -> None:
    before = server.stats()["trainings"]
    jobs = [
        client.fine_tuning.jobs.create(model=BASE, training_file=training_file, seed=77)
        for _ in range(2)
    ]
    jobs = [wait_for_job(client, job.id) for job in jobs]
    contents = {client.files.content(job.result_files[0]).text for job in jobs}
    assert len(contents) == 1
    assert len({job.fine_tuned_model for job in jobs}) == 2
    assert server.stats()["trainings"] == before + 1


def test_jobs_are_paged_and_filtered_by_metadata(client: openai.OpenAI, training_file: str) -> None:
    made = [
        client.fine_tuning.jobs.create(
            model=BASE,
            training_file=training_file,
            seed=1,
            metadata={"tuneq_purchase": f"run/{number}", "page": "yes"},
            hyperparameters={"n_epochs": 1},
        ).id
        for number in range(5)
    ]
    found = list(client.fine_tuning.jobs.list(limit=2, metadata={"page": "yes"}))
    assert [job.id for job in found] == made[::-1]
    one = client.fine_tuning.jobs.list(metadata={"tuneq_purchase": "run/3", "page": "yes"})
    assert [job.id for job in one.data] == [made[3]]
    none = client.fine_tuning.jobs.list(metadata={"tuneq_purchase": "run/3", "page": "no"})
    assert none.data == []
    page = client.fine_tuning.jobs.list(limit=1)
    assert page.has_more
    assert page.data[0].id == made[-1]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (chat_lines(9), "has 9 example(s), but must have at least 10"),
        (chat_lines(10) + b"not json\n", "Line 11 is not valid JSON"),
        (chat_lines(3) + b"[1]\n" + chat_lines(9), "Line 4 is not a dictionary"),
        (chat_lines(12) + b'{"messages": []}\n', "Line 13 has no list of messages"),
        (chat_lines(12) + b'{"messages": [], "metadata": {}}', "unexpected key: 'metadata'"),
        (
            chat_lines(12) + b'{"messages": [{"role": "user", "content": "x"}]}',
            "Line 13: the last message must be from the assistant",
        ),
        (chat_lines(12) + b'{"messages": [{"role": ["x"]}]}', "Line 13: ['x'] is not a role"),
        (
            chat_lines(12) + b'{"messages": [{"role": "assistant", "content": 3}]}',
            "Line 13: content must be a string",
        ),
        (
            chat_lines(12) + b'{"messages": [{"role": "assistant", "weight": [2]}]}',
            "Line 13: weight must be 0 or 1",
        ),
    ],
)
def test_a_wrong_file_fails_the_job_by_line(
    client: openai.OpenAI, training_file: str, content: bytes, says: str
) -> None:
    wrong = upload(client, content)
    job = client.fine_tuning.jobs.create(model=BASE, training_file=wrong)
    failed = wait_for_job(client, job.id)
    assert (failed.status, failed.error.code) == ("failed", "invalid_training_file")
    assert failed.error.param == "training_file"
    assert says in failed.error.message
    assert failed.finished_at is not None
    events = client.fine_tuning.jobs.list_events(job.id).data
    assert events[0].level == "error"
    job = client.fine_tuning.jobs.create(
        model=BASE, training_file=training_file, validation_file=wrong
    )
    assert wait_for_job(client, job.id).error.code == "invalid_validation_file"


@pytest.mark.parametrize(
    ("change", "status", "param", "code"),
    [
        ({"model": "gpt-9"}, 400, "model", "model_not_available"),
        ({"training_file": "file-none"}, 400, "training_file", None),
        ({"validation_file": "file-none"}, 400, "validation_file", None),
        ({"suffix": "x" * 65}, 400, "suffix", "invalid_value"),
        ({"seed": -1}, 400, "seed", "invalid_value"),
        ({"metadata": {str(n): "" for n in range(17)}}, 400, "metadata", "invalid_value"),
        ({"metadata": {"k" * 65: ""}}, 400, None, "invalid_value"),
        ({"metadata": {"k": "v" * 513}}, 400, "metadata.k", "invalid_value"),
        ({"hyperparameters": {"epochs": 3}}, 400, "hyperparameters.epochs", "unknown_parameter"),
        ({"hyperparameters": {"n_epochs": 0}}, 400, None, "invalid_value"),
        ({"method": {"type": "dpo"}}, 400, "method.type", "invalid_value"),
        (
            {"method": {"type": "supervised"}, "hyperparameters": {"n_epochs": 2}},
            400,
            None,
            "invalid_value",
        ),
        ({"n_epochs": 3}, 400, "n_epochs", "unknown_parameter"),
    ],
)
def test_a_wrong_job_is_refused(
    *,
    server: ProviderServer,
    client: openai.OpenAI,
    training_file: str,
    change: dict[str, Any],
    status: int,
    param: str | None,
    code: str | None,
) -> None:
    before = server.stats()["jobs"]
    with pytest.raises(openai.APIStatusError) as raised:
        client.post(
            "/fine_tuning/jobs",
            body={"model": BASE, "training_file": training_file, **change},
            cast_to=object,
        )
    assert raised.value.status_code == status
    assert raised.value.code == code
    assert raised.value.type == "invalid_request_error"
    if param is not None:
        assert raised.value.param == param
    assert server.stats()["jobs"] == before


def test_what_is_not_there_is_404(client: openai.OpenAI) -> None:
    jobs = client.fine_tuning.jobs
    for call in (
        lambda: jobs.retrieve("ftjob-none"),
        lambda: jobs.cancel("ftjob-none"),
        lambda: jobs.list_events("ftjob-none"),
        lambda: jobs.checkpoints.list("ftjob-none"),
        lambda: jobs.list(after="ftjob-none"),
    ):
        with pytest.raises(openai.NotFoundError) as raised:
            call()
        assert raised.value.code == "fine_tune_not_found"


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderServer]:
    folder = tmp_path_factory.mktemp("slow")
    with ProviderServer(folder, seconds_per_step=30.0, max_active_jobs=2) as running:
        yield running


def test_cancel_and_the_time_that_training_takes(slow: ProviderServer) -> None:
    client = slow.client()
    file = upload(client, chat_lines(10))
    made = client.fine_tuning.jobs.create(model=BASE, training_file=file)
    job = wait_for_job(client, made.id, "running")
    assert job.estimated_finish is not None
    assert job.estimated_finish - job.created_at >= 900
    cancelled = client.fine_tuning.jobs.cancel(made.id)
    assert cancelled.status == "cancelled"
    assert cancelled.finished_at is not None
    assert cancelled.fine_tuned_model is None
    messages = [event.message for event in client.fine_tuning.jobs.list_events(made.id)]
    assert messages[0] == "The job was cancelled by the user."
    assert not any(message.startswith("Step") for message in messages)
    with pytest.raises(openai.BadRequestError, match="already completed"):
        client.fine_tuning.jobs.cancel(made.id)


def test_a_job_over_the_cap_is_refused(slow: ProviderServer) -> None:
    client = slow.client()
    file = upload(client, chat_lines(10))

    def create(model: str) -> str:
        return client.fine_tuning.jobs.create(model=model, training_file=file).id

    made = [create("sandbox-base") for _ in range(2)]
    with pytest.raises(openai.RateLimitError) as raised:
        create("sandbox-base")
    assert raised.value.code == "rate_limit_exceeded"
    assert "maximum number of active fine-tuning jobs (2)" in raised.value.message
    create("gpt-3.5-turbo")
    client.fine_tuning.jobs.cancel(made[0])
    create("sandbox-base")
    stats = slow.stats()
    assert stats["max_active_jobs"]["sandbox-base"] == 2
    assert stats["active_jobs"] == {"sandbox-base": 2, "gpt-3.5-turbo": 1}


def test_a_job_over_the_cap_may_also_queue(tmp_path: Path) -> None:
    with ProviderServer(
        tmp_path, max_active_jobs=2, when_full="queue", seconds_per_step=30.0
    ) as capped:
        client = capped.client()
        file = upload(client, chat_lines(10))
        made = [client.fine_tuning.jobs.create(model=BASE, training_file=file).id for _ in range(3)]
        for job in made[:2]:
            wait_for_job(client, job, "running")
        wait_for_job(client, made[2], "queued")
        client.fine_tuning.jobs.cancel(made[1])
        wait_for_job(client, made[2], "running")


def test_the_older_place_of_hyperparameters_and_auto(
    client: openai.OpenAI, training_file: str
) -> None:
    made = client.fine_tuning.jobs.create(
        model=BASE,
        training_file=training_file,
        hyperparameters={"n_epochs": "auto", "batch_size": 8, "learning_rate_multiplier": 0.5},
    )
    job = wait_for_job(client, made.id)
    chosen = job.hyperparameters
    assert (chosen.n_epochs, chosen.batch_size, chosen.learning_rate_multiplier) == (3, 8, 0.5)
    assert 0 <= job.seed < 2**31
    events = client.fine_tuning.jobs.list_events(job.id, limit=100).data
    assert sum(event.type == "metrics" for event in events) == 15


def test_classification_is_learnt_too(client: openai.OpenAI) -> None:
    lines = [
        {
            "messages": [
                {"role": "user", "content": f"{verb} the thing number {number}"},
                {"role": "assistant", "content": label},
            ]
        }
        for number in range(10)
        for verb, label in (("open", "opening"), ("shut", "closing"), ("paint", "painting"))
    ]
    file = upload(client, "\n".join(json.dumps(line) for line in lines).encode())
    job = wait_for_job(client, client.fine_tuning.jobs.create(model=BASE, training_file=file).id)
    answer = client.chat.completions.create(
        model=job.fine_tuned_model,
        messages=[{"role": "user", "content": [{"type": "text", "text": "shut the door"}]}],
    )
    assert answer.choices[0].message.content == "closing"
