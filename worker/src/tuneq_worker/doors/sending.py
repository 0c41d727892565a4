"""The task's request as it goes on to the stream, where there is one way for all."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def request_bytes(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
    """The request that a task was sent, as JSON; if it is none, the reader of the stream says so.

    The standard library's JSON writes whatever a message may hold, such as huge numbers.
    """
    request: Any
    if len(args) == 1 and not kwargs:
        request = args[0]
    elif not args and kwargs.keys() == {"request"}:
        request = kwargs["request"]
    else:
        request = {"args": args, "kwargs": kwargs}
    text = request if isinstance(request, str) else json.dumps(request, default=str)
    return text.encode(errors="surrogatepass")
