from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, MODEL, FakeLease, World, refusal

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import Kind
from tuneq_shared.domain.lifecycle import RunStage, UploadStage
from tuneq_shared.domain.record import load
from tuneq_shared.domain.run import Prepared, Purchase, Run
from tuneq_shared.domain.upload import Upload, upload_id
from tuneq_shared.ports.items import Slot
from tuneq_worker.ports.provider import FileState
from tuneq_worker.ports.stage import Advance, Fail, Sleep, StageResult
from tuneq_worker.stages.upload import upload


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def a_run(world: World, *, name: str = "one", **fields: Any) -> Run:
    """A run whose files, a training and a validation file, have been prepared."""
    digests = []
    for text in ("train", "valid"):
        path = Path(world.ports.data.url) / f"{text}.bytes"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        digests.append(world.ports.data.stage(path).digest)
    prepared = Prepared(digests[0], 10, 10, "none", digests[1])
    return world.a_run(RunStage.UPLOADING, world.request(name=name), prepared=prepared, **fields)


def look(world: World, run: Run) -> StageResult[Run]:
    return upload(run, world.ports, FakeLease())


def uploads(world: World) -> list[Upload]:
    return [load(record, Upload) for record in world.items_of(Kind.UPLOAD)]


def finish(world: World) -> None:
    world.drive(lambda: all(map(world.ended, (u.item for u in uploads(world)))))


def test_it_asks_for_both_files_and_sleeps_on_one_that_is_not_ready(world: World) -> None:
    run = a_run(world)
    result = look(world, run)
    assert isinstance(result, Sleep)
    assert {u.digest for u in uploads(world)} == {
        run.prepared and run.prepared.training_digest,
        run.prepared and run.prepared.validation_digest,
    }
    assert result.on.kind is Kind.UPLOAD


def test_what_may_have_a_job_looks_for_it_before_it_asks_for_a_slot(world: World) -> None:
    run = a_run(world, purchase=Purchase(0, 5.0))
    look(world, run)
    finish(world)
    result = look(world, run)
    assert isinstance(result, Advance)
    assert (result.item.stage, result.take) == (RunStage.CREATING, None)


def test_with_both_ready_it_goes_on_and_asks_for_a_slot(world: World) -> None:
    run = a_run(world)
    look(world, run)
    finish(world)
    result = look(world, run)
    assert isinstance(result, Advance)
    assert result.item.stage is RunStage.CREATING
    assert result.take == Slot(f"{ACCOUNT}/{MODEL}", 2)
    assert run.prepared is not None
    for digest, file_id in (
        (run.prepared.training_digest, result.item.training_file_id),
        (run.prepared.validation_digest, result.item.validation_file_id),
    ):
        name, _ = world.provider.contents[file_id or ""]
        assert digest is not None
        assert digest[:32] in name


def test_runs_share_uploads(world: World) -> None:
    for name in ("one", "two", "three"):
        look(world, a_run(world, name=name))
    finish(world)
    assert world.provider.count("upload") == 2


def test_the_providers_own_files_need_no_upload(world: World) -> None:
    request = world.request(training_file="file-a", validation_file="file-b")
    result = look(world, world.a_run(RunStage.UPLOADING, request))
    assert isinstance(result, Advance)
    assert result.item.training_file_id == "file-a"
    assert result.item.validation_file_id == "file-b"
    assert uploads(world) == []


def test_the_providers_own_file_beside_one_of_ours(world: World) -> None:
    ours = a_run(world)
    assert ours.prepared is not None
    request = world.request(training_file="file-a", validation_file="data:train.jsonl")
    prepared = replace(ours.prepared, training_digest="")
    run = world.a_run(RunStage.UPLOADING, request, prepared=prepared)
    look(world, run)
    finish(world)
    result = look(world, run)
    assert isinstance(result, Advance)
    assert result.item.training_file_id == "file-a"
    assert result.item.validation_file_id == "file-1"


def test_it_fails_as_the_upload_did(world: World) -> None:
    run = a_run(world)
    world.provider.file_states.extend([FileState.ERROR, FileState.READY])
    run = look(world, run).item
    finish(world)
    result = look(world, run)
    assert isinstance(result, Fail)
    assert result.failure.code == "file_refused"
    assert "bad bytes" in result.failure.message
    assert result.failure.stage == RunStage.UPLOADING


def test_a_retry_takes_all_failed_uploads_up_again_but_once(world: World) -> None:
    run = a_run(world)
    world.provider.goes_wrong("upload", *[refusal(ErrorKind.BAD_REQUEST)] * 3)
    run = look(world, run).item
    finish(world)
    assert isinstance(look(world, run), Fail)
    result = look(world, replace(run, again=True))
    assert isinstance(result, Sleep)
    assert not result.item.again
    finish(world)
    assert {u.stage for u in uploads(world)} == {UploadStage.FAILED, UploadStage.READY}
    assert isinstance(look(world, result.item), Fail)


def test_what_failed_for_another_run_is_tried_anew(world: World) -> None:
    world.provider.goes_wrong("upload", *[refusal(ErrorKind.BAD_REQUEST)] * 2)
    first = look(world, a_run(world)).item
    finish(world)
    assert isinstance(look(world, first), Fail)
    assert isinstance(look(world, a_run(world, name="two")), Sleep)
    finish(world)
    assert {u.stage for u in uploads(world)} == {UploadStage.READY}


def test_one_that_all_others_left_is_taken_up_again(world: World) -> None:
    run = a_run(world)
    look(world, run)
    for one in uploads(world):
        world.ports.items.leave(one.item, str(run.item))
    finish(world)
    assert {u.stage for u in uploads(world)} == {UploadStage.CANCELLED}
    assert isinstance(look(world, run), Sleep)
    finish(world)
    assert isinstance(look(world, run), Advance)


def test_a_lost_file_is_uploaded_again_once_for_all(world: World) -> None:
    run = a_run(world)
    look(world, run)
    finish(world)
    first = look(world, run).item
    assert first.training_file_id is not None
    world.provider.files.pop(first.training_file_id)
    lost = replace(first, stage=RunStage.UPLOADING, lost_files=(first.training_file_id,))
    assert isinstance(look(world, lost), Sleep)
    finish(world)
    for again in (lost, replace(lost, request=world.request(name="two"))):
        result = look(world, again)
        assert isinstance(result, Advance)
        assert result.item.training_file_id not in {first.training_file_id, None}
        assert result.item.validation_file_id == first.validation_file_id
    assert world.provider.count("upload") == 3


def test_an_upload_that_vanished_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.ports.items, "join", lambda *_: None)
    with pytest.raises(LookupError, match=str(upload_id(ACCOUNT, "")).rstrip("/")):
        look(world, a_run(world))
