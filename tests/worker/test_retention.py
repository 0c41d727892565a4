"""What ended long ago goes to the archive, and nothing is lost or bought twice on the way."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
from tests.worker.fakes import ACCOUNT, World, chat_line, refusal

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.domain.evaluation import Evaluation
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import EvaluationStage, RunStage, UploadStage
from tuneq_shared.domain.record import document, load
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.upload import Upload
from tuneq_shared.intake import new_run
from tuneq_shared.ports.items import Asked, Creation
from tuneq_shared.ports.retention import EndedItem
from tuneq_shared.retrying import resumed
from tuneq_worker.ports.provider import FileState, JobStatus
from tuneq_worker.retention.pruning import DAY_S, Pruned, count_old, prune


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def ended(world: World, name: str = "first") -> ItemId:
    """An evaluated run that has succeeded."""
    run = world.submit(**world.with_evaluation(name))
    world.drive_to_end(run)
    return run


def failed(world: World, **fields: object) -> ItemId:
    """A run whose job has failed."""
    run = world.submit(**fields)
    world.provider.by_hand = True
    world.drive_to(run, RunStage.TRAINING)
    world.provider.set_job(world.run(run).job_id or "", JobStatus.FAILED)
    world.drive_to(run, RunStage.FAILED)
    world.provider.by_hand = False
    return run


def in_redis(world: World, item: ItemId) -> bool:
    return bool(world.redis.exists(f"{world.prefix}:item:{item}"))


def retry(world: World, item: ItemId) -> bool:
    """What `tuneq retry` does."""
    record = world.record(item)
    after = resumed(load(record, Run))
    words = (record, after.stage, document(after), "retried")
    return world.ports.items.revive(*words) or (
        world.ports.archive.bring_back(item) and world.ports.items.revive(*words)
    )


def the_evaluation(world: World, run: ItemId) -> ItemId:
    return Evaluation.item_of(world.run(run).asked[0].evaluation)


def pruned(world: World) -> Pruned:
    return prune(world.ports, 0.0)


def test_all_of_a_run_leaves_redis_and_reads_as_before(world: World) -> None:
    run = ended(world)
    evaluation = the_evaluation(world, run)
    before = [world.ports.catalogue.read([run, evaluation]), world.ports.catalogue.events(run)]
    result = pruned(world)
    assert (result.runs, result.evaluations, result.uploads) == (1, 2, 1)
    assert [each.deleted for each in result.files] == [1]
    assert not world.provider.files
    assert not in_redis(world, run)
    assert not world.redis.keys(f"{world.prefix}:item:[^a]*")  # the account alone is left
    after = [world.ports.catalogue.read([run, evaluation]), world.ports.catalogue.events(run)]
    assert after == before
    assert world.ports.catalogue.counts() == {}
    assert world.ports.catalogue.run_ids() == []
    assert world.ports.catalogue.archived_count("default") == 1
    assert world.ports.catalogue.run_ids("default", archived=True) == [run.key]
    assert world.ports.catalogue.find_run("default/first") == run.key
    assert world.ports.catalogue.find_run(run.key[:6]) == run.key
    again = pruned(world)
    assert (again.runs, again.evaluations, again.uploads, again.files) == (0, 0, 0, ())


def test_the_time_since_the_end_decides(world: World) -> None:
    run = ended(world)
    assert count_old(world.ports, DAY_S) == 0
    assert prune(world.ports, DAY_S).runs == 0
    assert in_redis(world, run)
    old = world.redis.time()[0] * 1000 - 2 * DAY_S * 1000
    world.redis.zadd(f"{world.prefix}:ended:run", {str(run): old})
    result = prune(world.ports, DAY_S)
    assert (result.runs, result.evaluations, result.uploads) == (1, 0, 0)


def test_a_rehearsal_says_the_same_and_changes_nothing(world: World) -> None:
    run, other = ended(world), world.submit(name="busy", seed=7)
    world.drive_to(other, RunStage.TRAINING)  # it shares the upload
    keys = sorted(world.redis.scan_iter(f"{world.prefix}:*"))
    rehearsed = prune(world.ports, 0.0, dry=True)
    assert sorted(world.redis.scan_iter(f"{world.prefix}:*")) == keys
    assert not world.ports.data.names("archive")
    assert world.provider.count("delete_file") == 0
    assert (rehearsed.runs, rehearsed.evaluations, rehearsed.uploads) == (1, 2, 0)
    assert asdict(pruned(world)) == asdict(rehearsed)
    world.drive_to_end(other)
    rehearsed = prune(world.ports, 0.0, dry=True)
    assert [each.deleted for each in rehearsed.files] == [1]
    assert asdict(pruned(world)) == asdict(rehearsed)
    assert run != other


@pytest.mark.parametrize("stage", [RunStage.UPLOADING, RunStage.CREATING, RunStage.TRAINING])
def test_what_an_unfinished_run_uses_stays(world: World, stage: RunStage) -> None:
    first = ended(world)
    world.provider.by_hand = True
    second = world.submit(name="second", seed=7)
    world.drive_to(second, stage)
    result = pruned(world)
    # In uploading it has not joined yet, and sends it anew.
    anew = stage is RunStage.UPLOADING
    assert (result.runs, result.uploads, len(result.files)) == (1, anew, anew)
    world.provider.by_hand = False
    world.drive_to_end(second)
    assert world.run(second).stage is RunStage.SUCCEEDED
    assert world.provider.count("create_job") == 2
    assert first != second


def test_a_held_run_keeps_its_file(world: World) -> None:
    world.provider.goes_wrong("create_job", refusal(ErrorKind.SERVER), done=True)
    run = world.submit()
    world.provider.by_hand = True
    world.drive_to(run, RunStage.CREATING)
    world.drive(lambda: world.provider.count("create_job") == 1)
    world.provider.put_job(f"{run.key}/0")  # a second job of the purchase
    world.drive_to(run, RunStage.HELD)
    assert pruned(world) == Pruned(runs=0, evaluations=0, uploads=0, files=())


def test_a_file_that_a_request_names_itself_stays(world: World) -> None:
    first = world.submit()
    world.drive_to_end(first)
    file_id = world.run(first).training_file_id or ""
    second = world.submit(name="second", training_file=file_id)
    assert pruned(world).uploads == 0
    world.drive_to_end(second)
    assert world.run(second).stage is RunStage.SUCCEEDED
    assert pruned(world).uploads == 0, "as long as Redis has the run"
    assert [each.deleted for each in pruned(world).files] == [1]


def test_the_same_key_is_the_same_run_and_others_are_refused(world: World) -> None:
    fields = {"name": "first", "idempotency_key": "order-1"}
    request = new_run(world.request(**fields))
    run = world.submit(**fields)
    world.drive_to_end(run)
    pruned(world)
    other_content = new_run(world.request(**fields, seed=9))
    same_name = new_run(world.request(name="first", idempotency_key="order-2"))
    assert world.ports.items.create([request, other_content, same_name]) == [
        Creation.EXISTS,
        Creation.OTHER_CONTENT,
        Creation.NAME_TAKEN,
    ]
    assert not in_redis(world, run)
    world.drive(lambda: not any(item.kind is not Kind.ACCOUNT for item in world.due()))
    assert world.provider.count("create_job") == 1


def test_a_retried_run_comes_back_with_its_history(world: World) -> None:
    run = failed(world)
    events = world.ports.catalogue.events(run)
    pruned(world)
    assert retry(world, run)
    assert world.ports.catalogue.archived_count() == 0
    assert world.ports.catalogue.run_ids() == [run.key]
    assert world.ports.catalogue.events(run)[:-1] == events
    world.drive_to_end(run)
    assert world.run(run).stage is RunStage.SUCCEEDED
    assert world.provider.count("create_job") == 2
    assert world.provider.count("upload") == 2  # the file was deleted
    assert world.ports.catalogue.counts() == {"succeeded": 1}
    pruned(world)
    assert world.run(run).stage is RunStage.SUCCEEDED, "the later end counts"


def test_a_retry_in_between_wins(world: World) -> None:
    run = failed(world)
    read = world.ports.retention.read([run])
    assert retry(world, run)
    assert world.ports.archive.put_away(read) == [False]
    assert world.run(run).stage is RunStage.UPLOADING
    world.drive_to_end(run)
    assert world.run(run).stage is RunStage.SUCCEEDED
    pruned(world)
    # One who was held up since long ago writes nothing over it.
    assert world.ports.archive.put_away(read) == [False]
    assert world.run(run).stage is RunStage.SUCCEEDED


def test_killed_between_archive_and_forget(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ended(world)
    before = world.record(run)
    forget = world.ports.retention.forget

    def dies(ended: Sequence[EndedItem], *, dry: bool = False) -> list[bool]:
        if not dry and ended[0].item.kind is Kind.RUN:
            raise _KilledError
        return forget(ended, dry=dry)

    with monkeypatch.context() as dying:
        dying.setattr(world.ports.retention, "forget", dies)
        with pytest.raises(_KilledError):
            pruned(world)
    assert world.ports.data.names(f"archive/runs/{run.key}")
    assert in_redis(world, run)
    assert world.record(run) == before
    assert pruned(world).runs == 1
    assert world.record(run) == before


def test_killed_between_forget_and_delete(world: World) -> None:
    ended(world)
    world.provider.goes_wrong("delete_file", _KilledError())
    with pytest.raises(_KilledError):
        pruned(world)
    assert len(world.provider.files) == 1
    assert [each.deleted for each in pruned(world).files] == [1]
    assert not world.provider.files


def test_killed_between_delete_and_its_note(world: World) -> None:
    ended(world)
    world.provider.goes_wrong("delete_file", _KilledError(), done=True)
    with pytest.raises(_KilledError):
        pruned(world)
    assert [each.deleted for each in pruned(world).files] == [1]
    assert world.ports.retention.forgotten(ACCOUNT) == set()


def test_a_run_that_joins_the_upload_first_keeps_it(world: World) -> None:
    first = world.submit()
    world.drive_to_end(first)
    (upload,) = world.items_of(Kind.UPLOAD)
    read = world.ports.retention.read([upload.item])
    world.provider.by_hand = True
    second = world.submit(name="second", seed=7)
    world.drive_to(second, RunStage.TRAINING)
    assert world.ports.retention.forget(read) == [False]
    world.provider.by_hand = False
    world.drive_to_end(second)
    assert world.ports.retention.forget(read) == [True]


def test_a_run_that_comes_later_sends_the_file_anew(world: World) -> None:
    first = world.submit()
    world.drive_to_end(first)
    old = world.run(first).training_file_id
    world.provider.goes_wrong("delete_file", refusal(ErrorKind.SERVER))
    assert not pruned(world).ok  # forgotten here, and still at the provider
    world.provider.goes_wrong("upload", refusal(ErrorKind.NETWORK))  # so it is looked for by name
    second = world.submit(name="second", seed=7)
    world.drive_to_end(second)
    assert world.run(second).stage is RunStage.SUCCEEDED
    assert world.run(second).training_file_id != old
    assert pruned(world).ok
    assert not world.provider.files


def test_an_evaluation_that_was_done_is_not_paid_again(world: World) -> None:
    first = ended(world)
    baseline = Evaluation.item_of(world.run(first).asked[1].evaluation)
    answers = world.provider.chat.asked.total()
    pruned(world)
    assert not in_redis(world, baseline)
    second = world.submit(**world.with_evaluation("second"), seed=7)
    world.drive_to_end(second)
    asked = world.run(second).asked
    assert [(each.role, each.reused) for each in asked] == [("tuned", False), ("baseline", True)]
    assert asked[1].evaluation == baseline.key
    assert world.provider.chat.asked.total() == answers + 5  # of the tuned model alone


def test_an_evaluation_stays_while_a_run_waits_for_another(world: World) -> None:
    first = ended(world)
    baseline = Evaluation.item_of(world.run(first).asked[1].evaluation)
    second = world.submit(**world.with_evaluation("second"), seed=7)
    world.drive(lambda: bool(world.run(second).asked))
    tuned = the_evaluation(world, second)
    assert not world.ended(tuned)
    assert pruned(world).runs == 1
    assert in_redis(world, baseline)
    world.drive_to_end(second)
    assert pruned(world).evaluations == 2


def test_a_stale_subscriber_keeps_nothing(world: World) -> None:
    run = ended(world)
    evaluation = the_evaluation(world, run)
    world.redis.sadd(f"{world.prefix}:members:{evaluation}", "cmd:killed", "run:vanished")
    assert pruned(world).evaluations == 2
    assert not world.redis.exists(f"{world.prefix}:members:{evaluation}")


def test_after_a_loss_of_redis_the_archive_still_answers(world: World) -> None:
    run = ended(world)
    before = world.ports.catalogue.read([run, the_evaluation(world, run)])
    pruned(world)
    for key in world.redis.scan_iter(f"{world.prefix}:*"):
        world.redis.delete(key)
    assert world.ports.catalogue.find_run(run.key) == run.key
    assert world.ports.catalogue.read([run, the_evaluation(world, run)]) == before
    # What was paid for is still reused.
    second = world.submit(**world.with_evaluation("second"), seed=7)
    world.drive_to_end(second)
    assert world.run(second).asked[1].reused


def test_a_missing_key_leaves_files_for_another_worker(world: World) -> None:
    ended(world)
    world.accounts.has_key = False
    (report,) = pruned(world).files
    assert (report.deleted, report.left) == (0, 1)
    assert "no key" in report.trouble
    world.accounts.has_key = True
    assert pruned(world).ok
    assert not world.provider.files


def with_files(world: World, number: int) -> None:
    """Runs that have ended, each with a file of its own."""
    for n in range(number):
        path = world.put(f"train-{n}.jsonl", [chat_line(100 * n + k, label="x") for k in range(12)])
        world.submit(name=f"run-{n}", training_file=path)
    world.drive(lambda: all(world.ended(run.item) for run in world.items_of(Kind.RUN)))


@pytest.mark.parametrize(
    ("answers", "deleted"),
    [
        ([ErrorKind.BAD_REQUEST], 5),
        ([ErrorKind.BAD_REQUEST] * 4, 2),
        ([ErrorKind.SERVER], 5),
        ([ErrorKind.SERVER, ErrorKind.NETWORK, None, ErrorKind.SERVER], 3),
        ([ErrorKind.SERVER, ErrorKind.BAD_REQUEST, ErrorKind.SERVER, ErrorKind.NETWORK], 0),
        ([None, *[ErrorKind.AUTH] * 3], 1),
    ],
)
def test_single_files_that_cannot_be_deleted_do_not_stop_the_rest(
    world: World, answers: list[ErrorKind | None], deleted: int
) -> None:
    with_files(world, 6)
    world.provider.goes_wrong("delete_file", *[refusal(kind) if kind else None for kind in answers])
    (report,) = pruned(world).files
    assert (report.deleted, report.left) == (deleted, 6 - deleted)
    assert report.trouble
    while not pruned(world).ok:
        pass
    assert not world.provider.files


def test_a_file_that_a_request_names_by_now_is_not_deleted(world: World) -> None:
    first = world.submit()
    world.drive_to_end(first)
    file_id = world.run(first).training_file_id
    world.accounts.has_key = False
    assert not pruned(world).ok  # forgotten, and still at the provider
    world.accounts.has_key = True
    world.provider.by_hand = True
    second = world.submit(name="second", training_file=file_id)
    world.drive_to(second, RunStage.TRAINING)
    assert pruned(world).files == ()
    assert list(world.provider.files) == [file_id]
    # A new upload does not take what is deleted one day.
    world.provider.goes_wrong("upload", refusal(ErrorKind.NETWORK))
    third = world.submit(name="third", seed=7)
    world.drive(lambda: world.run(third).training_file_id is not None)
    assert world.run(third).training_file_id != file_id
    world.provider.by_hand = False
    world.drive_to_end(second, third)
    while pruned(world).runs:
        pass
    assert pruned(world).ok
    assert not world.provider.files


def test_a_request_that_names_it_in_the_middle_of_a_turn_keeps_its_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_files(world, 2)
    delete, named = world.provider.delete_file, set(world.provider.files)

    def named_meanwhile(file_id: str) -> None:
        delete(file_id)
        named.discard(file_id)
        world.submit(name="second", training_file=next(iter(named)))
        monkeypatch.undo()

    monkeypatch.setattr(world.provider, "delete_file", named_meanwhile)
    (report,) = pruned(world).files
    assert (report.deleted, report.left, report.trouble) == (1, 0, "")
    assert set(world.provider.files) == named


@pytest.mark.parametrize(
    ("state", "end"), [(FileState.PENDING, "cancelled"), (FileState.ERROR, "failed")]
)
def test_the_file_of_an_earlier_try_goes_with_the_upload(
    world: World, state: FileState, end: str
) -> None:
    world.provider.file_states.append(state)
    first = world.submit()
    world.drive(lambda: bool(world.provider.files))
    if state is FileState.PENDING:
        world.ports.items.ask([first], Asked.CANCEL)
    world.drive_to_end(first)
    world.drive(lambda: [record.stage for record in world.items_of(Kind.UPLOAD)] == [end])
    second = world.submit(name="second")
    world.drive_to_end(second)
    assert world.run(second).stage is RunStage.SUCCEEDED
    assert len(world.provider.files) == 2
    assert [report.deleted for report in pruned(world).files] == [2]
    assert not world.provider.files


@pytest.fixture
def unmarked(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    """A file of its own tells the job of each purchase."""
    return World(redis_url, store_prefix, tmp_path, capabilities=Capabilities(metadata=False))


def test_a_file_for_a_purchase_goes_after_its_run_has_gone(unmarked: World) -> None:
    world = unmarked
    run = world.submit()
    world.drive_to_end(run)
    assert world.ports.archive.put_away(world.ports.retention.read([run])) == [True]
    assert (pruned(world).uploads, world.provider.files) == (1, {})


def test_a_file_that_alone_tells_an_unanswered_job_stays_after_its_run_has_gone(
    unmarked: World,
) -> None:
    world = unmarked
    world.provider.by_hand = True
    world.provider.goes_wrong("create_job", refusal(ErrorKind.NETWORK))
    run = world.submit()
    world.drive(lambda: world.provider.count("create_job") == 1)
    world.ports.items.ask([run], Asked.CANCEL)
    world.drive_to_end(run)
    assert world.run(run).purchase.intent_at is not None
    assert pruned(world).runs == 1
    assert (pruned(world).uploads, len(world.provider.files)) == (0, 1)


def test_the_age_is_taken_once_a_turn(unmarked: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = unmarked
    world.drive_to_end(world.submit())
    world.drive(lambda: all(world.ended(each.item) for each in world.items_of(Kind.UPLOAD)))
    cutoffs, cutoff = [], world.ports.retention.cutoff

    def taken(age_s: float) -> float:
        cutoffs.append(age_s)
        return cutoff(age_s)

    monkeypatch.setattr(world.ports.retention, "cutoff", taken)
    assert (pruned(world).uploads, cutoffs) == (1, [0.0])


@pytest.mark.parametrize("content", [b"", b"[]", b'{"v": 99}'])
def test_an_archived_evaluation_that_cannot_be_read_is_done_anew(
    world: World, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    ended(world)
    pruned(world)
    for path in Path(world.ports.data.url, "archive", "evaluations").rglob("*.json"):
        path.write_bytes(content)
    second = world.submit(**world.with_evaluation("second"), seed=7)
    world.drive_to_end(second)
    assert world.run(second).stage is RunStage.SUCCEEDED
    assert not any(asked.reused for asked in world.run(second).asked)
    assert "is done anew: data:archive/evaluations/" in caplog.text


def test_a_cancelled_upload_goes_with_its_file(world: World) -> None:
    run = world.submit()
    world.drive_to(run, RunStage.UPLOADING)
    world.provider.by_hand = True
    world.ports.items.ask([run], Asked.CANCEL)
    world.drive_to_end(run)
    uploads = [load(record, Upload) for record in world.items_of(Kind.UPLOAD)]
    assert all(each.stage in {UploadStage.CANCELLED, UploadStage.READY} for each in uploads)
    result = pruned(world)
    assert (result.runs, result.uploads) == (1, len(uploads))
    assert not world.provider.files


def test_an_incomplete_evaluation_is_asked_again(world: World) -> None:
    first = ended(world)
    tuned = the_evaluation(world, first)
    pruned(world)
    assert not world.ports.archive.bring_back(tuned, EvaluationStage.INCOMPLETE)
    assert world.ports.archive.bring_back(tuned, EvaluationStage.DONE)
    assert not world.ports.archive.bring_back(tuned), "it is here"


class _KilledError(BaseException):
    """The process is gone."""
