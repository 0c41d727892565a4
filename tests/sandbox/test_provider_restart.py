import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import openai
import pytest
from click.testing import CliRunner, Result
from tests.sandbox.provider_server import (
    ProviderServer,
    chat_lines,
    wait_for_job,
    wait_until,
)

from tuneq_sandbox.learner.training import Plan, train
from tuneq_sandbox.provider.__main__ import main
from tuneq_sandbox.provider.result_csv import result_csv
from tuneq_sandbox.provider.training_file import read_examples

BASE = "gpt-3.5-turbo"


def children(pid: int) -> list[int]:
    listing = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in listing.stdout.split()]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_killed_in_the_middle_it_goes_on_with_everything(tmp_path: Path) -> None:
    with ProviderServer(tmp_path, seconds_per_step=0.03) as server:
        client = server.client()
        file = client.files.create(file=("x.jsonl", chat_lines(10)), purpose="fine-tune").id
        made = [
            client.fine_tuning.jobs.create(
                model=BASE, training_file=file, seed=seed, metadata={"n": str(seed)}
            ).id
            for seed in range(6)
        ]
        waits = client.fine_tuning.jobs.retrieve(made[0])
        assert waits.finished_at is None
        assert server.process is not None
        wait_for_job(client, made[0], "running", "succeeded")
        trainers = children(server.process.pid)
        assert trainers
        server.kill()
        wait_until(lambda: not any(map(is_running, trainers)), "trainers gone")
        server.start()
        client = server.client()
        listed = [job.id for job in client.fine_tuning.jobs.list()]
        assert listed == made[::-1]
        jobs = [wait_for_job(client, job) for job in made]
        assert {job.status for job in jobs} == {"succeeded"}
        assert [job.metadata for job in jobs] == [{"n": str(seed)} for seed in range(6)]
        for job in jobs:
            messages = [event.message for event in client.fine_tuning.jobs.list_events(job.id)]
            assert len([text for text in messages if text.startswith("Step")]) == 30
            assert len([text for text in messages if text == "Fine-tuning job started"]) == 1
        assert client.files.content(file).read() == chat_lines(10)


def test_a_killed_server_learns_the_same_again_and_sweeps_up(tmp_path: Path) -> None:
    content = chat_lines(300)
    lines = tmp_path / "lines.jsonl"
    lines.write_bytes(content)
    undisturbed = train(read_examples(lines), [], Plan(seed=3, batch_size=1))
    with ProviderServer(tmp_path) as server:
        client = server.client()
        upload = client.uploads.create(
            bytes=3, filename="x", mime_type="text/jsonl", purpose="fine-tune"
        )
        part = client.uploads.parts.create(upload.id, data=b"abc").id
        file = client.files.create(file=("x", content), purpose="fine-tune").id
        made = client.fine_tuning.jobs.create(model=BASE, training_file=file, seed=3)
        client.files.delete(file)
        server.kill()
        state = tmp_path / "state"
        for folder in ("incoming", "contents", "parts", "trainings"):
            (state / folder / ".training-left").write_bytes(b"half")
        server.start()
        client = server.client()
        assert not list(state.glob("*/.training-left"))
        done = client.uploads.complete(upload.id, part_ids=[part])
        assert done.file is not None
        assert client.files.content(done.file.id).read() == b"abc"
        # The job outlives its file, whose content goes with the job's end.
        job = wait_for_job(client, made.id)
        result = client.files.content(job.result_files[0]).read()
        assert result == result_csv(undisturbed.steps, "openai")
        assert len(list((state / "contents").iterdir())) == 2
        with pytest.raises(openai.NotFoundError):
            client.files.retrieve(file)


def test_an_upload_that_nobody_completes_expires(tmp_path: Path) -> None:
    with ProviderServer(tmp_path) as server:
        uploads = server.client().uploads
        late = uploads.create(bytes=3, filename="x", mime_type="text/jsonl", purpose="fine-tune")
        part = uploads.parts.create(late.id, data=b"abc").id
        assert server.stop() == 0
        with closing(sqlite3.connect(tmp_path / "state" / "provider.sqlite")) as database, database:
            database.execute("UPDATE uploads SET expires_at = 1")
        server.start()
        uploads = server.client().uploads
        with pytest.raises(openai.BadRequestError, match="is expired"):
            uploads.parts.create(late.id, data=b"abc")
        with pytest.raises(openai.BadRequestError, match="is expired"):
            uploads.complete(late.id, part_ids=[part])
        assert list((tmp_path / "state" / "parts").iterdir()) == []


def test_a_trainer_that_dies_is_replaced(tmp_path: Path) -> None:
    with ProviderServer(tmp_path) as server:
        client = server.client()
        file = client.files.create(file=("x", chat_lines(10)), purpose="fine-tune").id
        wait_for_job(client, client.fine_tuning.jobs.create(model=BASE, training_file=file).id)
        assert server.process is not None
        for child in children(server.process.pid):
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"spawn_main" in command:
                os.kill(child, 9)
        job = client.fine_tuning.jobs.create(model=BASE, training_file=file)
        assert wait_for_job(client, job.id).status == "succeeded"


def run(*arguments: str) -> Result:
    return CliRunner(env={"TUNEQ_SANDBOX_KEYS": "sk-x"}).invoke(main, arguments)


def test_sigterm_ends_it_and_a_second_server_on_the_folder_is_refused(tmp_path: Path) -> None:
    with ProviderServer(tmp_path) as server:
        second = run("--dir", str(tmp_path / "state"))
        assert second.exit_code == 2
        assert "another provider is running" in second.stderr
        assert server.stop() == 0
        server.start()
        assert server.client().models.list().data


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--keys-env", "TUNEQ_NO_SUCH_VARIABLE"), "no key in TUNEQ_NO_SUCH_VARIABLE"),
        (("--keys-file", "/nonexistent/keys"), "cannot read the keys"),
        (("--config", "/nonexistent/config"), "cannot read"),
        (("--faults", "/nonexistent/faults"), "cannot read"),
        (("--max-active-jobs", "0"), "max_active_jobs"),
        (("--host", "256.0.0.1"), "cannot listen"),
    ],
)
def test_wrong_options(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    done = run("--dir", str(tmp_path / "state"), *arguments)
    assert done.exit_code == 2
    assert says in done.stderr
    assert done.stdout == ""


def test_help_has_an_example() -> None:
    done = run("--help")
    assert done.exit_code == 0
    assert "Example:" in done.stdout
