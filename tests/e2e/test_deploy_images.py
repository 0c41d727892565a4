"""The images' steps in empty folders and fresh environments: they install, start and are healthy.

They need what installing needs: a package index, or a filled cache of uv's.
"""

import json
import re
import socket
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.e2e.deploy_dockerfile import REPO, read_stages
from tests.e2e.deploy_image import Image, fresh_python, tracked_files
from tests.e2e.site import until

TARGETS = ("worker", "evaluator", "producer", "sandbox", "flower")
MEMBERS = {"tuneq-shared", "tuneq-producer", "tuneq-worker", "tuneq-sandbox"}
KEY = "sk-images-hush"

Make = Callable[[str], Image]


@pytest.fixture(scope="module")
def make_image(tmp_path_factory: pytest.TempPathFactory) -> Make:
    if not (REPO / ".git").exists():
        pytest.skip("not a git checkout: its tracked files are unknown")
    folder = tmp_path_factory.mktemp("images")
    context = folder / "context"
    tracked_files(context)
    python = fresh_python(folder / "python")
    made: dict[str, Image] = {}

    def make(target: str) -> Image:
        if target not in made:
            made[target] = Image(target, folder / target, context, folder, python)
            made[target].make()
        return made[target]

    return make


def test_every_role_has_a_target() -> None:
    assert set(TARGETS) <= set(read_stages())


def test_what_the_dockerfile_copies_reaches_the_builder() -> None:
    sent = {line[1:] for line in (REPO / ".dockerignore").read_text().splitlines() if "!" in line}
    for stage in read_stages().values():
        for copy in stage.all("COPY"):
            if not copy.startswith("--from="):
                for source in copy.split()[:-1]:
                    assert source.split("/")[0] in sent
    assert not sent & {".env", ".git", "uv.lock", ".venv"}


@pytest.mark.parametrize(
    ("target", "members"),
    [
        ("worker", {"tuneq-shared", "tuneq-worker"}),
        ("producer", {"tuneq-shared", "tuneq-producer"}),
        ("sandbox", MEMBERS),
        ("flower", {"tuneq-shared", "tuneq-worker"}),
    ],
)
def test_an_image_has_its_members_as_wheels_at_the_pinned_versions(
    make_image: Make, target: str, members: set[str]
) -> None:
    installed = make_image(target).site_packages()
    assert set(installed) & MEMBERS == members
    assert not any(editable for _, editable in installed.values())
    assert ("openai" in installed) == (target != "producer")
    assert ("celery" in installed) == (target != "producer")
    assert ("flower" in installed) == (target == "flower")
    pins = pinned_versions()
    for name, (version, _) in installed.items():
        if name not in MEMBERS:
            assert version in pins[name], name


def pinned_versions() -> dict[str, set[str]]:
    """The versions in the workspace's list; several where they differ by Python or system."""
    workspace = tomllib.loads((REPO / "pyproject.toml").read_text())["tool"]["uv"]
    pins: dict[str, set[str]] = {}
    for pin in workspace["constraint-dependencies"]:
        name, version = re.split(r"==|\s*;", pin)[:2]
        pins.setdefault(name, set()).add(version)
    return pins


@pytest.mark.parametrize("target", ["worker", "evaluator"])
def test_a_worker_becomes_healthy_and_says_farewell(
    make_image: Make, target: str, redis_url: str, store_prefix: str
) -> None:
    image = make_image(target)
    more = surroundings(image, redis_url, store_prefix) | {"OPENAI_API_KEY": KEY}
    assert health(image, more).returncode == 1
    with running(image, more) as (process, log):
        until(lambda: process.poll() is not None or not health(image, more).returncode, "health")
        assert process.poll() is None, log.read_text()
        assert f"{target}@{socket.gethostname()} ready." in until(
            lambda: log.read_text() if " ready." in log.read_text() else "", "the ready line"
        )
        process.terminate()
        assert process.wait(60) == 0
    gone = health(image, more)
    assert gone.returncode == 1
    assert gone.stderr.strip() == f"{target}@{socket.gethostname()} is not at work"
    assert KEY not in log.read_text()
    assert "environment variable OPENAI_API_KEY" not in log.read_text()
    assert (image.root / "data" / "root").is_dir()


@pytest.mark.parametrize(("target", "port"), [("sandbox", 8080), ("flower", 5555)])
def test_a_server_becomes_healthy(
    make_image: Make, target: str, port: int, redis_url: str, store_prefix: str
) -> None:
    image = make_image(target)
    more = surroundings(image, redis_url, store_prefix) | {"TUNEQ_SANDBOX_KEYS": KEY}
    with socket.create_server(("127.0.0.1", 0)) as other:
        free = other.getsockname()[1]
    ports = (str(port), str(free))
    assert health(image, more, ports).returncode != 0
    with running(image, more, ports) as (process, log):
        until(
            lambda: process.poll() is not None or not health(image, more, ports).returncode,
            "health",
        )
        assert process.poll() is None, log.read_text()


def test_the_producer_answers(make_image: Make, redis_url: str, store_prefix: str) -> None:
    image = make_image("producer")
    more = surroundings(image, redis_url, store_prefix)
    helped = run(image, image.command(), more)
    assert helped.returncode == 0, helped.stderr
    assert "submit" in helped.stdout
    listed = run(image, image.command("ls", "--json"), more)
    assert listed.returncode == 0, listed.stderr
    checked = run(image, image.command("doctor", "--json"), more)
    assert checked.returncode in {0, 1}, checked.stderr
    assert json.loads(checked.stdout)


def surroundings(image: Image, redis_url: str, prefix: str) -> dict[str, str]:
    """What the compose file gives, with this test's Redis and the image's own /data."""
    return {
        "TUNEQ_REDIS_URL": redis_url,
        "TUNEQ_KEY_PREFIX": prefix,
        "TUNEQ_DATA_URL": str(image.root / "data" / "root"),
    }


def run(
    image: Image, command: list[str], more: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=image.home,
        env={**image.environment, **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def health(
    image: Image, more: dict[str, str], ports: tuple[str, str] = ("", "")
) -> "subprocess.CompletedProcess[str]":
    return run(image, [word.replace(*ports) for word in image.health_command()], more)


@contextmanager
def running(
    image: Image, more: dict[str, str], ports: tuple[str, str] = ("", "")
) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
    """The image's command, killed when the block ends; with its log."""
    log = image.root / "log"
    command = [word.replace(*ports) for word in image.command()]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=image.home,
            env={**image.environment, **more},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process, log
    finally:
        process.kill()
        process.wait()
