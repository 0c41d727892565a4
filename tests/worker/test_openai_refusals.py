"""What each refusal means, case by case."""

import pytest

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.providers.openai.refusals import classify, read_refusal

CASES: list[tuple[int, str | None, str | None, str, ErrorKind]] = [
    # status, code, type, message, kind
    (429, "rate_limit_exceeded", "requests", "Rate limit reached on requests", ErrorKind.RATE),
    (429, "rate_limit_exceeded", "tokens", "Rate limit on tokens per min", ErrorKind.RATE),
    (429, None, None, "slow down", ErrorKind.RATE),
    (429, "429", None, "exceeded call rate limit", ErrorKind.RATE),
    (429, "insufficient_quota", "insufficient_quota", "You exceeded", ErrorKind.QUOTA),
    (429, None, "insufficient_quota", "You exceeded your current quota", ErrorKind.QUOTA),
    (403, "insufficient_quota", None, "", ErrorKind.QUOTA),
    (429, "credit_balance_exhausted", None, "", ErrorKind.QUOTA),
    (429, "organization_usage_limit_exceeded", None, "", ErrorKind.QUOTA),
    (429, "organization_spend_limit_exceeded", None, "", ErrorKind.QUOTA),
    (429, "project_spend_limit_exceeded", None, "", ErrorKind.QUOTA),
    (402, None, None, "Payment required", ErrorKind.QUOTA),
    (
        429,
        "daily_rate_limit_exceeded",
        "invalid_request_error",
        "Your organization has reached the maximum of 8 fine-tuning requests per day for 'm'.",
        ErrorKind.DAILY,
    ),
    (429, "rate_limit_exceeded", "requests", "on requests per day (RPD)", ErrorKind.DAILY),
    (
        429,
        "rate_limit_exceeded",
        "invalid_request_error",
        "Your organization has reached the maximum of 3 active requests for the model 'm'.",
        ErrorKind.CAPACITY,
    ),
    (429, None, None, "maximum number of active fine-tuning jobs (3)", ErrorKind.CAPACITY),
    (429, None, None, "Too many concurrent jobs", ErrorKind.CAPACITY),
    (400, None, None, "You reached the limit of 20 queued jobs.", ErrorKind.CAPACITY),
    (429, None, None, "The model `ft:m` is still being loaded", ErrorKind.COLD),
    (503, None, None, "That model is still being loaded", ErrorKind.SERVER),
    (
        429,
        "rate_limit_exceeded",
        "tokens",
        "Request too large for m on tokens per min (TPM): Limit 30000, Requested 31000.",
        ErrorKind.BAD_REQUEST,
    ),
    (401, "invalid_api_key", None, "Incorrect API key provided", ErrorKind.AUTH),
    (403, None, None, "You are not allowed to do this", ErrorKind.AUTH),
    (403, "training_not_available", "invalid_request_error", "", ErrorKind.UNAVAILABLE),
    (403, "model_not_found", None, "no access", ErrorKind.NOT_FOUND),
    (404, "model_not_found", None, "The model does not exist", ErrorKind.NOT_FOUND),
    (404, None, None, "No such File object: file-1", ErrorKind.NOT_FOUND),
    (400, None, None, "invalid training_file: file-1", ErrorKind.NOT_FOUND),
    (400, None, None, "File 'file-1' does not exist", ErrorKind.NOT_FOUND),
    (400, "model_not_available", None, "Model m does not exist", ErrorKind.BAD_REQUEST),
    (
        400,
        None,
        None,
        "File 'file-1' is still being processed and is not ready to be used for fine-tuning.",
        ErrorKind.NOT_READY,
    ),
    (409, None, None, "The file is not ready", ErrorKind.NOT_READY),
    (400, "content_policy_violation", None, "", ErrorKind.MODERATION),
    (400, "content_filter", None, "The response was filtered", ErrorKind.MODERATION),
    (400, None, None, "blocked by our moderation system", ErrorKind.MODERATION),
    (403, None, None, "This violates our usage policies", ErrorKind.MODERATION),
    (400, "invalid_value", None, "Job has already completed", ErrorKind.BAD_REQUEST),
    (400, None, None, "Cannot cancel: there is no running job", ErrorKind.BAD_REQUEST),
    (413, None, None, "File is too large", ErrorKind.BAD_REQUEST),
    (422, None, None, "field required", ErrorKind.BAD_REQUEST),
    (408, None, None, "Request timeout", ErrorKind.NETWORK),
    (409, None, None, "The resource was updated by another request", ErrorKind.SERVER),
    (500, None, "server_error", "The server had an error", ErrorKind.SERVER),
    (500, "insufficient_quota", None, "", ErrorKind.SERVER),  # the work may have been done
    (529, None, None, "Overloaded", ErrorKind.SERVER),
    (304, None, None, "", ErrorKind.MALFORMED),
]


@pytest.mark.parametrize(("status", "code", "type_", "message", "kind"), CASES)
def test_kind(
    status: int, code: str | None, type_: str | None, message: str, kind: ErrorKind
) -> None:
    body = {"message": message, "type": type_, "code": code}
    assert classify(read_refusal(status, body)) is kind


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "no"}}, "no"),
        ({"error": "no"}, "no"),
        ({"message": "no"}, "no"),
        ({"detail": "no"}, "no"),
        ("<h1>no</h1>", "<h1>no</h1>"),
        (["no"], "['no']"),
        (None, ""),
        ({}, ""),
        ({"message": None, "code": 7}, ""),
    ],
)
def test_error_documents_of_many_shapes_are_read(body: object, message: str) -> None:
    assert read_refusal(400, body).message == message
