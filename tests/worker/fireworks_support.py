"""Fireworks by script: its adapter against a server on this machine."""

from typing import Any, Protocol

from pydantic import SecretStr
from tests.worker.openai_support import Reply

from tuneq_shared.domain.request import Method
from tuneq_shared.settings import Account
from tuneq_worker.ports.provider import JobSpec
from tuneq_worker.providers.fireworks.adapter import FireworksProvider

KEY = "fw_0123456789abcdef"
ACCOUNT = "/v1/accounts/me"
JOBS = f"{ACCOUNT}/supervisedFineTuningJobs"
DATASETS = f"{ACCOUNT}/datasets"
DEPLOYMENTS = f"{ACCOUNT}/deployments"


class Listening(Protocol):
    """A server on this machine."""

    @property
    def port(self) -> int:
        """Where it listens."""
        ...


def fireworks(server: Listening, timeout_s: float = 10.0, **options: Any) -> FireworksProvider:
    """The adapter for the account `lab`."""
    account = Account.model_validate(
        {
            "dialect": "fireworks",
            "base_url": f"http://127.0.0.1:{server.port}",
            "options": {"account_id": "me", **options},
        }
    )
    return FireworksProvider("lab", account, SecretStr(KEY), timeout_s)


def spec(**changes: Any) -> JobSpec:
    fields: dict[str, Any] = {
        "model": "accounts/fireworks/models/m",
        "training_file": "file-data-1",
        "validation_file": None,
        "method": Method(),
        "suffix": None,
        "seed": None,
        "purchase": "run/1",
    }
    return JobSpec(**{**fields, **changes})


def job_document(job_id: str = "job-1", **fields: Any) -> dict[str, Any]:
    return {
        "name": f"accounts/me/supervisedFineTuningJobs/{job_id}",
        "displayName": "",
        "createTime": "2026-11-22T10:00:00.123456Z",
        "state": "JOB_STATE_PENDING",
        "status": {"code": "OK", "message": ""},
        "baseModel": "accounts/fireworks/models/m",
        "dataset": "accounts/me/datasets/data-1",
        **fields,
    }


def dataset_document(state: str = "READY", **fields: Any) -> dict[str, Any]:
    return {"name": "accounts/me/datasets/data-1", "state": state, **fields}


def deployment_document(state: str = "READY", **fields: Any) -> dict[str, Any]:
    name = "accounts/me/deployments/tuneq-aaaaaaaaaaaaaaaaaaaa"
    return {"name": name, "baseModel": "accounts/me/models/x", "state": state, **fields}


def google(status: int, code: int, message: str) -> Reply:
    return Reply({"code": code, "message": message, "details": []}, status)
