"""Refusals: in Google's shape for the account's things, in OpenAI's where a code is a word."""

from aiohttp import web

from tuneq_sandbox.provider.errors import ApiError, json_response

_NUMBERS = {
    400: 3,
    401: 16,
    403: 7,
    404: 5,
    409: 6,
    412: 9,
    429: 8,
    500: 13,
    503: 14,
    504: 4,
}
"""Status: the number of Google's code for it; 2 is `UNKNOWN`."""
_UNKNOWN = 2
UNTIMELY = "failed_precondition"
"""The kind of a refusal that another moment may take back; its number is 9, its status 400."""
_PRECONDITION = 9


def shaped(error: ApiError) -> web.Response:
    """The answer to send."""
    if error.code is not None and error.code.isupper():
        return chat_shaped(error)
    number = _NUMBERS.get(error.status, _UNKNOWN)
    document = {
        "code": _PRECONDITION if error.kind == UNTIMELY else number,
        "message": error.message,
        "details": [],
    }
    return json_response(document, status=error.status, headers=error.headers)


def chat_shaped(error: ApiError) -> web.Response:
    """The same as the inference gateway words it."""
    document = {
        "error": {
            "object": "error",
            "type": error.kind,
            "code": error.code,
            "message": error.message,
        }
    }
    return json_response(document, status=error.status, headers=error.headers)
