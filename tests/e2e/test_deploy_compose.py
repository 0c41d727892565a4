"""docker-compose.yml by its structure, as no container engine runs here."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from tests.e2e.deploy_dockerfile import REPO, health_of, lineage, read_stages

COMPOSE = REPO / "docker-compose.yml"
LASTING = ("redis", "worker", "evaluator", "flower", "sandbox")
ROLES = ("worker", "evaluator", "flower", "cli", "sandbox")
KEYS = {"OPENAI_API_KEY", "SANDBOX_API_KEY"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document = yaml.safe_load(COMPOSE.read_text())
    assert isinstance(document, dict)
    return document


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    return dict(compose["services"])


def test_the_services(services: dict[str, Any]) -> None:
    assert set(services) == {*LASTING, "cli"}
    without_asking = {name for name, service in services.items() if "profiles" not in service}
    assert without_asking == {"redis", "worker", "evaluator", "flower"}


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_watched_restarted_and_stopped_with_patience(
    services: dict[str, Any], name: str
) -> None:
    service = services[name]
    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
    assert service["restart"] == "unless-stopped"
    assert service["stop_grace_period"].endswith("s")


@pytest.mark.parametrize("name", ROLES)
def test_every_target_is_in_the_dockerfile_and_runs_as_another_user(
    services: dict[str, Any], name: str
) -> None:
    stages = read_stages()
    target = services[name]["build"]["target"]
    assert (REPO / services[name]["build"]["context"] / "Dockerfile").is_file()
    users = [user for stage in lineage(stages, target) for user in stage.all("USER")]
    assert users[-1:] == ["tuneq"]
    assert services[name]["read_only"]
    assert services[name]["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", ["worker", "evaluator", "flower", "sandbox"])
def test_the_image_alone_is_watched_like_the_service(services: dict[str, Any], name: str) -> None:
    health = services[name]["healthcheck"]
    options, command = health_of(read_stages(), services[name]["build"]["target"])
    assert ["CMD", *command] == health["test"]
    assert options == {
        "interval": health["interval"],
        "timeout": health["timeout"],
        "start-period": health["start_period"],
        "retries": str(health["retries"]),
    }


@pytest.mark.parametrize("name", ["worker", "evaluator", "flower", "cli"])
def test_who_needs_redis_waits_for_it(services: dict[str, Any], name: str) -> None:
    assert services[name]["depends_on"] == {"redis": {"condition": "service_healthy"}}
    assert services[name]["environment"]["TUNEQ_REDIS_URL"].endswith("@redis:6379/0")


@pytest.mark.parametrize("name", ["worker", "evaluator"])
def test_workers_can_be_scaled(services: dict[str, Any], name: str) -> None:
    assert not {"container_name", "hostname", "ports"} & set(services[name])
    (command,) = read_stages()[name].all("CMD")
    assert f'"{name}@%h"' in command  # each container has a host name of its own


def test_only_flower_is_reached_from_outside_and_from_this_machine_alone(
    services: dict[str, Any],
) -> None:
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(ports) == {"flower"}
    assert all(port.startswith("127.0.0.1:") for port in ports["flower"])


def test_keys_are_for_workers_alone(services: dict[str, Any]) -> None:
    holders = {name for name, one in services.items() if KEYS & set(one.get("environment", {}))}
    assert holders == {"worker", "evaluator"}
    configured = re.findall(r'api_key_env = "(\w+)"', (REPO / "deploy/tuneq.toml").read_text())
    assert set(configured) == KEYS


def test_no_secret_stands_in_the_file_or_on_a_command_line(services: dict[str, Any]) -> None:
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if name.endswith(("KEY", "KEYS")):
                assert re.fullmatch(r"\$\{SANDBOX_API_KEY:-\}|\$\{OPENAI_API_KEY:-\}", value)
            else:
                assert "${REDIS_PASSWORD:?" in value
        for words in ("command", "entrypoint"):
            assert "PASSWORD" not in str(service.get(words))
    # A doubled dollar sign is the container's shell's: it reads its own environment.
    assert "$$REDIS_PASSWORD" in services["redis"]["healthcheck"]["test"][1]


def test_every_variable_is_required_or_has_a_default() -> None:
    text = re.sub(r"^\s*#.*$", "", COMPOSE.read_text(), flags=re.MULTILINE)
    names = re.findall(r"(?<!\$)\$\{(\w+)(:[?-])?", text)
    assert names
    assert {operator for _, operator in names} <= {":?", ":-"}
    assert {name for name, operator in names if operator == ":?"} == {"REDIS_PASSWORD"}


def test_volumes_and_mounted_files_exist(compose: dict[str, Any]) -> None:
    named = set()
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.rsplit(":", 2 if volume.endswith(":ro") else 1)[0]
            if source.startswith("./"):
                assert (REPO / source).is_file()
            elif not source.startswith("$"):
                named.add(source)
    assert named == set(compose["volumes"])


def test_producers_and_workers_share_the_data_root(services: dict[str, Any]) -> None:
    for name in ("worker", "evaluator", "cli"):
        assert "data:/data" in services[name]["volumes"]
    assert 'data_url = "/data/' in (REPO / "deploy/tuneq.toml").read_text()


def test_compose_itself_accepts_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = shutil.which("docker")
    command = [docker or "docker", "compose"]
    if (
        docker is None
        or subprocess.run([*command, "version"], check=False, capture_output=True).returncode
    ):
        pytest.skip("no docker with the compose plugin")
    command += ["--file", str(COMPOSE), "--profile", "*", "config", "--quiet"]
    monkeypatch.delenv("REDIS_PASSWORD", raising=False)
    refused = subprocess.run(command, check=False, capture_output=True, text=True)
    assert refused.returncode != 0
    assert "REDIS_PASSWORD" in refused.stderr
    monkeypatch.setenv("REDIS_PASSWORD", "abc")
    accepted = subprocess.run(command, check=False, capture_output=True, text=True)
    assert accepted.returncode == 0, accepted.stderr
