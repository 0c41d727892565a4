"""The data root: whether it can be written, and is the one that all share."""

from collections.abc import Iterator

from tuneq_producer.client import Client
from tuneq_producer.doctor.finding import Finding, fail, ok
from tuneq_shared.errors import TuneqError
from tuneq_shared.redis_store.connection import without_password

_CHECK = "data root"
_PROBE = ".tuneq-probe"
_WORDS = b"written by tuneq doctor\n"


def check_data_root(client: Client) -> Iterator[Finding]:
    """Settle it, then write a small file and read it."""
    try:
        client.data.settle(client.fleet)
        with client.data.write(_PROBE) as file:
            file.write(_WORDS)
        with client.data.read(_PROBE) as file:
            same = file.read() == _WORDS
    except TuneqError as error:
        yield fail(_CHECK, error.message, error.hint)
    except OSError as error:
        yield fail(_CHECK, f"cannot be written: {error}", "correct data_url, or its rights")
    else:
        shown = without_password(client.data.url)
        if same:
            yield ok(_CHECK, f"{shown} can be written, and is the one that Redis knows")
        else:
            yield fail(_CHECK, f"{shown} reads other than it was written", "use another data_url")
