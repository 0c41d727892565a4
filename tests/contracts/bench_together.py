"""Together's dialect."""

from tests.contracts.provider_benches import REFUSALS, Call, SandboxBench

from tuneq_shared.domain.failure import ErrorKind

_ROUTES: dict[Call, tuple[str, str]] = {
    "create_job": ("POST", "/v1/fine-tunes"),
    "upload": ("POST", "/v1/files"),
    "job": ("GET", "/v1/fine-tunes/*"),
    "chat": ("POST", "/v1/chat/completions"),
    "deploy": ("POST", "/v2/projects/*/endpoints/*/deployments"),
}
_COUNTED: dict[Call, str] = {
    "create_job": "POST /v1/fine-tunes",
    "upload": "POST /v1/files",
    "job": "GET /v1/fine-tunes/{job_id}",
    "chat": "POST /v1/chat/completions",
}
_REFUSALS = {
    ErrorKind.RATE: {
        "status": 429,
        "type": "dynamic_request_limited",
        "message": "Request was rejected due to dynamic rate limiting.",
        "headers": {"x-ratelimit-reset": "1.5"},
    },
    ErrorKind.CAPACITY: {"status": 429, "message": "you have reached the limit of active jobs"},
    ErrorKind.QUOTA: {"status": 402, "message": "Credit limit exceeded, please add credits."},
}


class TogetherBench(SandboxBench):
    """Every file is sent in one go: there are no routes for parts."""

    dialect = "together"
    base_model = "meta-llama/Meta-Llama-3.1-8B-Instruct-Reference"
    keeps_labels = False
    routes = _ROUTES
    counted = _COUNTED
    refusals = REFUSALS | _REFUSALS


BENCH = TogetherBench
