"""An upload that breaks off anywhere is whole after another try, and there once."""

import io
import uuid

import pytest
from tests.contracts.provider_benches import Bench, Breakage
from tests.contracts.provider_orders import fresh_lines, wait_for

from tuneq_worker.ports.provider import FileState, Provider, ProviderError

MOST_CALLS = 8  # of one upload, in any dialect


def sent(provider: Provider, name: str, content: bytes) -> str | None:
    """As a worker does it: look for what an earlier try has brought, else send."""
    try:
        return (provider.find_file(name) or provider.upload(name, io.BytesIO(content))).id
    except ProviderError as error:
        if error.ambiguous:
            return None
        raise


@pytest.mark.parametrize("kind", ["drop", "lost_answer"])
def test_it_is_there_once_and_whole(bench: Bench, kind: Breakage) -> None:
    provider = bench.provider()
    for place in range(MOST_CALLS):
        name, content = f"tuneq-{uuid.uuid4().hex}.jsonl", fresh_lines()
        bench.break_nth(place, kind)
        file_id = sent(provider, name, content)
        untouched = bench.unbroken()
        bench.behave()
        if file_id is None:
            file_id = sent(provider, name, content)
        assert file_id is not None
        wait_for(lambda: provider.file(file_id).state is FileState.READY, "it can be trained on")  # noqa: B023 - called at once
        assert provider.find_file(name) is not None
        if untouched:  # it takes no more calls than that
            return
    pytest.fail("an upload takes more calls than were broken")
