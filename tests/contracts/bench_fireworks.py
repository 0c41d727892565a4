"""The Fireworks dialect."""

from tests.contracts.provider_benches import REFUSALS, Call, SandboxBench

from tuneq_shared.domain.failure import ErrorKind

_ACCOUNT = "/v1/accounts/*"
_JOBS = "supervisedFineTuningJobs"
_ROUTES: dict[Call, tuple[str, str]] = {
    "create_job": ("POST", f"{_ACCOUNT}/{_JOBS}"),
    "upload": ("POST", f"{_ACCOUNT}/datasets"),
    "job": ("GET", f"{_ACCOUNT}/{_JOBS}/*"),
    "chat": ("POST", "/inference/v1/chat/completions"),
    "deploy": ("POST", f"{_ACCOUNT}/deployments"),
}
_COUNTED: dict[Call, str] = {
    "create_job": f"POST /v1/accounts/{{account}}/{_JOBS}",
    "upload": "POST /v1/accounts/{account}/datasets",
    "job": f"GET /v1/accounts/{{account}}/{_JOBS}/{{job}}",
    "chat": "POST /inference/v1/chat/completions",
}
_REFUSALS = {
    **REFUSALS,
    ErrorKind.CAPACITY: {
        "status": 429,
        "message": "quota exceeded: the maximum of 3 active fine-tuning jobs is reached",
    },
    ErrorKind.DAILY: {"status": 429, "message": "the limit of 10 jobs per day is reached"},
    ErrorKind.QUOTA: {"status": 412, "message": "Account is suspended: check your billing."},
    ErrorKind.COLD: {"status": 503, "code": "DEPLOYMENT_SCALING_UP", "message": "Scaling up."},
    ErrorKind.UNAVAILABLE: {"status": 403, "message": "Fine-tuning is not available to you."},
    ErrorKind.MODERATION: {"status": 400, "message": "The content policy forbids this."},
    ErrorKind.NOT_READY: {"status": 400, "message": "dataset is not ready: UPLOADING"},
}


class FireworksBench(SandboxBench):
    """Their adapter against the sandbox provider's face for them."""

    dialect = "fireworks"
    base_model = "accounts/fireworks/models/qwen3-8b"
    keeps_labels = False
    tells_story = False
    options = {"account_id": "sandbox"}  # noqa: RUF012 - one value a bench, as its base has it
    routes = _ROUTES
    counted = _COUNTED
    refusals = _REFUSALS


BENCH = FireworksBench
