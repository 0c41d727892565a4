"""`tuneq events`."""

import json
from functools import partial

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.producer.filled_store import move_run, put_run, run_of
from tests.producer.looks_script import Step, play

from tuneq_producer.client import Client
from tuneq_producer.commands.events import events, unseen
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.errors import NotFoundError
from tuneq_shared.ports.catalogue import Event


def run(*arguments: str) -> Result:
    return CliRunner().invoke(events, arguments)


def test_events_are_printed_oldest_first(client: Client) -> None:
    put_run(client, run_of("r", RunStage.UPLOADING))
    lines = run("g/r").stdout.splitlines()
    assert [line.split()[-1] for line in lines] == ["submitted", "preparing", "uploading"]


def test_json_is_an_object_a_line(client: Client) -> None:
    run_id = put_run(client, run_of("r", RunStage.PREPARING))
    first, _ = map(json.loads, run("g/r", "--json").stdout.splitlines())
    assert (first["run"], first["stage"], first["message"]) == (run_id, "submitted", "")
    assert first["at"].endswith("Z")


def test_follow_ends_with_the_run(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = run_of("r", RunStage.TRAINING)
    put_run(client, busy)
    collecting = run_of("r", RunStage.COLLECTING)
    steps: list[Step] = [
        lambda: None,
        partial(move_run, client, busy, RunStage.COLLECTING),
        partial(move_run, client, collecting, RunStage.SUCCEEDED),
    ]
    play(monkeypatch, steps)
    stages = [
        json.loads(line)["stage"]
        for line in run("g/r", "--follow", "--json").stdout.split("\n")
        if line
    ]
    assert stages == [
        "submitted", "preparing", "uploading", "creating", "training", "collecting", "succeeded",
    ]  # fmt: skip


def test_an_unknown_run_is_refused(client: Client) -> None:
    assert isinstance(run("g/r").exception, NotFoundError)


def history(length: int) -> list[Event]:
    return [Event(float(at), "training", "") for at in range(length)]


@settings(deadline=None)
@given(had=st.integers(0, 12), added=st.integers(0, 12), kept=st.integers(1, 8))
def test_what_was_trimmed_away_is_not_printed_again(had: int, added: int, kept: int) -> None:
    every = history(had + added)
    seen, present = every[:had][-kept:], every[-kept:]
    assert unseen(seen, present) == every[had:][-kept:]


def test_an_event_that_comes_twice_is_printed_twice() -> None:
    same = Event(1.0, "training", "again")
    assert unseen([same], [same, same]) == [same]
