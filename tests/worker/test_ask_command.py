"""`tuneq ask`: whom a prompt is for, who answers, and how it is told."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
import pytest
from click.testing import CliRunner, Result
from tests.worker.conftest import OpenLab
from tests.worker.fakes import ACCOUNT, MODEL, FakeChat, FakeLane, World, refusal
from tests.worker.openai_support import KEY, Asked, Reply
from tests.worker.openai_support import refusal as refused

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.domain.deployment import Deployment, deployment_id
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.lifecycle import DeploymentStage
from tuneq_shared.domain.record import document, fixed_part
from tuneq_shared.errors import ConfigurationError, InvalidInputError, TuneqError
from tuneq_shared.ports.items import Commit, NewItem
from tuneq_worker.commands.ask import ask as command
from tuneq_worker.ports.lane import Pace
from tuneq_worker.ports.provider import Chat, Completion
from tuneq_worker.prompting.answering import Answer, Prompt, ask
from tuneq_worker.prompting.rendering import lines
from tuneq_worker.prompting.targets import Target, Targets, find_targets

T = TypeVar("T")

TUNED = "ft:base:me:qa:1"
PROMPT = Prompt(
    messages=[{"role": "user", "content": "Which?"}], max_tokens=8, temperature=0.0, timeout_s=5.0
)


def world_of(redis_url: str, prefix: str, folder: Path, **settings: Any) -> World:
    made = World(redis_url, prefix, folder, **settings)
    made.ports = replace(made.ports, lane=FakeLane(made.provider.chat))
    return made


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return world_of(redis_url, store_prefix, tmp_path)


@pytest.fixture
def deploying(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    """An account where tuned models answer only while they are deployed."""
    made = world_of(redis_url, store_prefix, tmp_path, capabilities=Capabilities(deployment=True))
    made.provider.deploys = True
    return made


class NotingLane(FakeLane):
    """Notes whose limits are asked for."""

    def __init__(self, chat: FakeChat) -> None:
        super().__init__(chat)
        self.models: list[str] = []

    def run(self, account: str, model: str, work: Callable[[Chat, Pace], Awaitable[T]]) -> T:
        self.models.append(model)
        return super().run(account, model, work)


def targets(world: World, text: str, **named: str | None) -> Targets:
    return find_targets(text, world.ports, **{"account": None, "base": None, **named})


def answers(world: World, text: str, prompt: Prompt = PROMPT) -> list[Answer]:
    found = targets(world, text)
    return [ask(each, found, prompt, world.ports) for each in found.models]


def put_deployment(world: World, *stages: DeploymentStage, handle: str | None = None) -> None:
    item = deployment_id(ACCOUNT, TUNED)
    new = Deployment(id=item.key, stage=DeploymentStage.PENDING, account=ACCOUNT, model=TUNED)
    world.ports.items.create(
        [NewItem(item=item, stage=new.stage, fixed=fixed_part(new), doc=document(new))]
    )
    for stage in stages:
        claim = world.ports.items.claim(item, 10)
        assert claim is not None
        doc = document(replace(new, stage=stage, handle=handle))
        world.ports.items.commit(claim, Commit(stage=stage, doc=doc))


@pytest.mark.parametrize(
    ("text", "base", "expected"),
    [
        (TUNED, None, [("tuned", TUNED), ("base", "base")]),
        (TUNED, "other", [("tuned", TUNED), ("base", "other")]),
        ("some/model", None, [("model", "some/model")]),
        ("some/model", "other", [("tuned", "some/model"), ("base", "other")]),
        ("same", "same", [("model", "same")]),
        ("ft:", None, [("model", "ft:")]),
    ],
)
def test_a_model_and_its_base(
    world: World, text: str, base: str | None, expected: list[tuple[str, str]]
) -> None:
    found = targets(world, text, base=base)
    assert [(each.role, each.model) for each in found.models] == expected
    assert (found.account, found.run) == (ACCOUNT, None)


def test_a_run_means_its_tuned_model(world: World) -> None:
    item = world.submit(name="one", group="g")
    with pytest.raises(InvalidInputError, match="run g/one has no tuned model: it is submitted"):
        targets(world, "g/one")
    world.drive_to_end(item)
    run = world.run(item)
    for text in ("g/one", run.id, run.id[:8]):
        found = targets(world, text)
        assert found.run == run.id
        assert found.models == (
            Target("tuned", run.fine_tuned_model or ""),
            Target("base", MODEL),
        )
    with pytest.raises(ConfigurationError):
        targets(world, "g/one", account="unknown")


def test_each_is_asked_once_with_what_was_given(world: World) -> None:
    world.provider.chat.answer = lambda model, _: Completion(
        text=f"I am {model}", prompt_tokens=3, completion_tokens=1
    )
    tuned, base = answers(world, TUNED)
    assert tuned.completion is not None
    assert base.completion is not None
    assert (tuned.completion.text, base.completion.text) == (f"I am {TUNED}", "I am base")
    assert world.provider.chat.parameters == [{"max_tokens": 8, "temperature": 0.0}] * 2
    assert world.provider.count("serves") == 0


def test_what_goes_wrong_is_told_in_words(world: World) -> None:
    def answer(model: str, _: Sequence[Mapping[str, Any]]) -> Completion:
        kind = ErrorKind.NOT_FOUND if model == TUNED else ErrorKind.RATE
        raise refusal(kind, retry_after_s=7.0)

    world.provider.chat.answer = answer
    tuned, base = (each.error for each in answers(world, TUNED))
    assert tuned is not None
    assert base is not None
    assert (tuned.code, base.code) == ("not_found", "rate")
    assert f"(and there is no run {TUNED!r})" in tuned.message
    assert base.message.endswith("ask again in 7 s")


def test_an_answer_that_does_not_come(redis_url: str, store_prefix: str, tmp_path: Path) -> None:
    world = World(redis_url, store_prefix, tmp_path)  # with the lane that workers have
    world.provider.chat.pause = lambda: asyncio.Event().wait()
    tuned, _ = answers(world, TUNED, replace(PROMPT, timeout_s=0.01))
    assert tuned.error is not None
    assert (tuned.error.code, tuned.error.message) == ("timeout", "no answer within 0.01 s")


def test_nothing_is_deployed(deploying: World) -> None:
    tuned, base = answers(deploying, TUNED)
    assert tuned.error is not None
    assert tuned.error.code == "not_deployed"
    assert "deploys nothing" in tuned.error.message
    assert base.error is None
    put_deployment(deploying, DeploymentStage.STARTING)
    tuned, _ = answers(deploying, TUNED)
    assert tuned.error is not None
    assert "is being deployed" in tuned.error.message
    assert deploying.provider.count("deploy") == 0


def test_a_deployment_of_ours_that_stands_answers(deploying: World) -> None:
    put_deployment(deploying, DeploymentStage.STARTING, DeploymentStage.READY, handle="endpoint-1")
    asked: list[str] = []

    def answer(model: str, _: Sequence[Mapping[str, Any]]) -> Completion:
        asked.append(model)
        return Completion(text="A", prompt_tokens=3, completion_tokens=1)

    deploying.provider.chat.answer = answer
    lane = NotingLane(deploying.provider.chat)
    deploying.ports = replace(deploying.ports, lane=lane)
    assert [each.error for each in answers(deploying, TUNED)] == [None, None]
    assert asked == ["endpoint-1", "base"]
    assert lane.models == asked  # the limits that evaluations of the deployment keep to


def test_side_by_side_where_there_is_room() -> None:
    said = Completion(text="A word\x1b[2J\nand more", prompt_tokens=3, completion_tokens=1)
    pair = [
        Answer(target=Target("tuned", "m" * 60), completion=said, latency_s=0.5),
        Answer(target=Target("base", "b"), completion=said, latency_s=0.5),
    ]
    wide = list(lines(pair, 100))
    assert any("and more" in line[:48] and "and more" in line[48:] for line in wide)
    assert max(map(len, wide)) <= 100
    narrow = list(lines(pair, 40))
    assert [line for line in narrow if "and more" in line] == ["and more"] * 2
    assert not any("\x1b" in line for line in wide + narrow)


class LabAccount:
    """Models that answer over HTTP, or refuse."""

    refuses = False

    def answer(self, asked: Asked) -> Reply:
        if self.refuses:
            return refused(401, f"wrong key {KEY}")
        body = json.loads(asked.body)
        said = f"{body['model']}: {[m['role'] for m in body['messages']]}"
        usage = {"prompt_tokens": 5, "completion_tokens": 2}
        return Reply({"choices": [{"message": {"content": said}}], "usage": usage})


@pytest.fixture
def lab() -> LabAccount:
    return LabAccount()


@pytest.fixture
def config(lab: LabAccount, open_lab: OpenLab) -> Path:
    return open_lab("lab", lab.answer)


def call(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(command, list(words))


@pytest.mark.usefixtures("config")
def test_the_command(lab: LabAccount) -> None:
    result = call(TUNED, "Which?", "--system", "Be brief.", "--account", "lab", "--json")
    assert result.exit_code == 0
    made = json.loads(result.stdout)
    assert (made["run"], made["account"], made["ok"]) == (None, "lab", True)
    tuned, base = made["answers"]
    assert (tuned["role"], base["role"]) == ("tuned", "base")
    assert tuned["text"] == f"{TUNED}: ['system', 'user']"
    assert (base["prompt_tokens"], base["completion_tokens"], base["error"]) == (5, 2, None)
    shown = call(TUNED, "Which?", "--account", "lab")
    assert "5 + 2 tokens" in shown.stdout
    lab.refuses = True
    failed = call(TUNED, "Which?", "--account", "lab")
    assert failed.exit_code == 1
    assert "no answer: " in failed.stdout
    assert KEY not in failed.output


@pytest.mark.usefixtures("config")
def test_a_key_or_an_account_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_KEY")
    for words in (("--account", "lab"), ("--account", "nowhere"), ()):
        error = call(TUNED, "Which?", *words).exception
        assert isinstance(error, TuneqError)
        assert error.exit_code == 2


def test_help_has_an_example() -> None:
    assert isinstance(command, click.Command)
    assert "tuneq ask scienceqa/scienceqa-1000" in call("--help").stdout
