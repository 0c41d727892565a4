from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, FakeLease, World, refusal

from tuneq_shared.deadlines import Deadlines
from tuneq_shared.domain.failure import ErrorKind, Failure
from tuneq_shared.domain.lifecycle import UploadStage
from tuneq_shared.domain.upload import Upload
from tuneq_shared.ports.items import Asked
from tuneq_worker.ports.provider import FileState, ProviderError
from tuneq_worker.ports.stage import Advance, Fail, Wait
from tuneq_worker.stages.transfer import await_ready, send

NOW = 1_000_000_000.0


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def pending(world: World, **fields: Any) -> Upload:
    path = Path(world.ports.data.url) / "bytes"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"the bytes")
    digest = world.ports.data.stage(path).digest
    return Upload(
        id=f"{ACCOUNT}/{digest}",
        stage=UploadStage.PENDING,
        account=ACCOUNT,
        digest=digest,
        **fields,
    )


def test_the_bytes_are_sent_after_it_was_written_down(world: World) -> None:
    upload, lease = pending(world, failure=Failure("old", "old"), attempts=3), FakeLease()
    result = send(upload, world.ports, lease)
    assert isinstance(result, Advance)
    ready = replace(upload, stage=UploadStage.READY, file_id="file-1", attempts=0, failure=None)
    assert result.item == ready
    assert world.provider.contents["file-1"] == (upload.filename, b"the bytes")
    assert world.provider.count("find_file") == 0
    assert [(what, item.sending) for what, item in lease.log] == [("save", True)]


def test_it_is_written_down_before_it_is_sent(world: World) -> None:
    lease = FakeLease()
    world.provider.goes_wrong("upload", refusal(ErrorKind.NETWORK))
    with pytest.raises(ProviderError):
        send(pending(world), world.ports, lease)
    assert lease.log[0][1].sending


def test_after_a_send_of_unknown_outcome_the_file_is_looked_for(world: World) -> None:
    upload = pending(world)
    lease = FakeLease()
    world.provider.goes_wrong("upload", refusal(ErrorKind.NETWORK), done=True)
    with pytest.raises(ProviderError):
        send(upload, world.ports, lease)
    result = send(lease.log[0][1], world.ports, FakeLease())
    assert isinstance(result, Advance)
    assert (result.item.file_id, result.item.sending) == ("file-1", False)
    assert world.provider.count("upload") == 1


def test_where_it_did_not_arrive_it_is_sent_again(world: World) -> None:
    result = send(pending(world, sending=True), world.ports, FakeLease())
    assert result.item.file_id == "file-1"
    assert [name for name, _ in world.provider.calls] == ["find_file", "upload"]


def test_the_provider_takes_its_time(world: World) -> None:
    world.provider.file_states.append(FileState.PENDING)
    sent = send(pending(world), world.ports, FakeLease())
    assert isinstance(sent, Wait)
    assert sent.item.stage is UploadStage.SENT
    still = await_ready(replace(sent.item, attempts=7), world.ports, FakeLease())
    assert isinstance(still, Wait)
    assert still.item.attempts == 0
    world.provider.set_file("file-1", FileState.READY)
    ready = await_ready(still.item, world.ports, FakeLease())
    assert isinstance(ready, Advance)
    assert ready.item.stage is UploadStage.READY
    assert world.provider.count("upload") == 1


def test_a_refused_file_fails_with_its_detail(world: World) -> None:
    world.provider.file_states.append(FileState.ERROR)
    result = send(pending(world), world.ports, FakeLease())
    assert isinstance(result, Fail)
    assert result.failure == Failure("file_refused", "file-1: bad bytes")


def test_the_provider_may_not_take_for_ever(world: World) -> None:
    limit_s = Deadlines().file_s
    world.provider.file_states.append(FileState.PENDING)
    earlier = pending(world, sent_at=1.0, stuck=("file-0",))
    sent = send(earlier, world.ports, FakeLease(now=NOW)).item
    assert sent.sent_at == NOW, "the time of a file that was sent before is not its own"
    almost = await_ready(sent, world.ports, FakeLease(now=NOW + limit_s - 1))
    assert isinstance(almost, Wait)
    over = await_ready(almost.item, world.ports, FakeLease(now=NOW + limit_s))
    assert isinstance(over, Fail)
    assert over.failure == Failure(
        "file_not_processed",
        f"account '{ACCOUNT}' has been processing file-1 since 2001-09-09 01:46:40 UTC",
    )
    assert over.item.stuck == ("file-0", "file-1")


def test_a_file_that_vanishes_is_sent_again_but_not_for_ever(world: World) -> None:
    world.provider.file_states.append(FileState.PENDING)
    sent = send(pending(world), world.ports, FakeLease()).item
    world.provider.files.clear()
    upload, sends = sent, 1
    while True:
        looks = 0
        while upload.stage is UploadStage.SENT:
            result = await_ready(upload, world.ports, FakeLease())
            looks += 1
            if isinstance(result, Fail):
                assert (result.failure.code, sends) == ("file_lost", 3)
                return
            upload = result.item
        assert looks > 1, "a new file may take a while to show"
        world.provider.file_states.append(FileState.PENDING)
        upload = send(upload, world.ports, FakeLease()).item
        world.provider.files.clear()
        sends += 1


def test_another_error_while_looking_is_told(world: World) -> None:
    world.provider.file_states.append(FileState.PENDING)
    sent = send(pending(world), world.ports, FakeLease()).item
    world.provider.goes_wrong("file", refusal(ErrorKind.SERVER))
    with pytest.raises(ProviderError):
        await_ready(sent, world.ports, FakeLease())


@pytest.mark.parametrize("stage", [send, await_ready])
def test_cancelled_it_touches_nothing(world: World, stage: Any) -> None:
    result = stage(pending(world), world.ports, FakeLease(asked=Asked.CANCEL))
    assert result.item.stage is UploadStage.CANCELLED
    assert world.provider.calls == []
