"""Plain fakes of the worker's ports, and a world of them around a real store."""

import asyncio
import re
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import orjson
from tests.worker.fake_batches import FakeBatches
from tests.worker.fake_models import FakeModels

from tuneq_shared.archive import Archive
from tuneq_shared.archived_catalogue import ArchivedCatalogue
from tuneq_shared.capabilities import Capabilities
from tuneq_shared.data.digest import sha256_of_messages
from tuneq_shared.data_root import DataRoot
from tuneq_shared.deadlines import Deadlines
from tuneq_shared.domain.account import AccountState, account_id
from tuneq_shared.domain.choice import Choice
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import ItemId, Kind, Queue
from tuneq_shared.domain.lifecycle import RunStage, is_terminal
from tuneq_shared.domain.record import Record, document, load
from tuneq_shared.domain.request import FineTuneRequest
from tuneq_shared.domain.run import Prepared, Run
from tuneq_shared.errors import ConfigurationError
from tuneq_shared.intake import new_run
from tuneq_shared.ports.items import Asked, Creation
from tuneq_shared.ports.limits import Call, Permit, Settlement
from tuneq_shared.redis_store.catalogue import RedisCatalogue
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.items import RedisItems
from tuneq_shared.redis_store.retention import RedisRetention
from tuneq_shared.redis_store.slots import RedisSlotBook
from tuneq_shared.retrying import resumed
from tuneq_shared.settings import Account, Limits, Price, Settings
from tuneq_worker.evaluation.lane import LoopLane
from tuneq_worker.evaluation.scorers import ConfiguredScorers
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.lane import Pace
from tuneq_worker.ports.provider import (
    Chat,
    Completion,
    FileState,
    Job,
    JobSpec,
    JobStatus,
    Provider,
    ProviderError,
    RemoteFile,
    StepMetric,
)
from tuneq_worker.ports.stage import Ports
from tuneq_worker.steps import step

T = TypeVar("T")

ACCOUNT = "fake"
MODEL = "base-model"
METRICS = b"step,train_loss\n1,0.5\n"
HOUR_S = 3600.0

_TIME_PASSES = """
local P = ARGV[1] .. ':'
for _, queue in ipairs({'runs', 'evaluation'}) do
  for _, id in ipairs(redis.call('ZRANGE', P .. 'due:' .. queue, 0, -1)) do
    local k = P .. 'item:' .. id
    redis.call('HDEL', k, 'lease')
    redis.call('HSET', k, 'next', 0)
    redis.call('ZADD', P .. 'due:' .. queue, 0, id)
    local doc = cjson.decode(redis.call('HGET', k, 'doc'))
    if ARGV[2] == '1' and doc.purchase and doc.purchase.intent_at then
      doc.purchase.intent_at = doc.purchase.intent_at - 1000
      redis.call('HSET', k, 'doc', cjson.encode(doc))
    end
    local order = doc.order
    if ARGV[2] == '1' and order and order.purchase and order.purchase.intent_at then
      order.purchase.intent_at = order.purchase.intent_at - 1000
      redis.call('HSET', k, 'doc', cjson.encode(doc))
    end
    if ARGV[2] == '1' and doc.intent_at then
      doc.intent_at = doc.intent_at - 1000
      redis.call('HSET', k, 'doc', cjson.encode(doc))
    end
  end
end
for _, pool in ipairs(redis.call('KEYS', P .. 'slots:*:learnt')) do
  redis.call('HSET', pool, 'raise_at', 0)
end
"""


def refusal(kind: ErrorKind, retry_after_s: float | None = None) -> ProviderError:
    return ProviderError(kind, f"the provider said {kind}", retry_after_s=retry_after_s)


@dataclass
class FakeChat:
    """Answers by a function; keeps what was asked, and how much of it at once."""

    answer: Callable[[str, Sequence[Mapping[str, Any]]], Completion] = field(
        default=lambda _model, _messages: Completion(text="A", prompt_tokens=3, completion_tokens=1)
    )
    pause: Callable[[], Any] | None = None  # awaited while a request is in flight
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)  # by model and messages
    parameters: list[dict[str, Any]] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    async def complete(
        self, model: str, messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]
    ) -> Completion:
        self.asked[model, sha256_of_messages([dict(m) for m in messages])] += 1
        self.parameters.append(dict(parameters))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.pause is not None:
                await self.pause()
            return self.answer(model, messages)
        finally:
            self.in_flight -= 1


@dataclass
class FakePace:
    """Lets every call through at once; keeps what it is told."""

    settled: list[Settlement] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    given: int = 0

    async def permit(self, asker: str, tokens: int, wanted: Callable[[], bool]) -> Permit | None:
        self.given += 1
        return Permit(Call(f"{asker}-{self.given}", tokens), (0.0, 0.0)) if wanted() else None

    def settle(self, settlement: Settlement) -> None:
        self.settled.append(settlement)

    def refuse(self, seconds: float) -> None:
        self.refused.append(seconds)


@dataclass
class FakeLane:
    """Asks at once, on a loop of the moment; the real one takes its time to close."""

    chat: FakeChat

    def run(self, _account: str, _model: str, work: Callable[[Chat, Pace], Awaitable[T]]) -> T:
        async def at_work() -> T:
            return await work(self.chat, FakePace())

        return asyncio.run(at_work())


class FakeProvider(FakeModels, FakeBatches):
    """An account in memory. Errors are scripted by call; jobs go on with every sweep."""

    def __init__(self) -> None:
        FakeModels.__init__(self)
        FakeBatches.__init__(self)
        self.jobs: dict[str, Job] = {}
        self.specs: dict[str, JobSpec] = {}
        self.files: dict[str, RemoteFile] = {}
        self.contents: dict[str, tuple[str, bytes]] = {}  # by file id: name and bytes
        self.results: dict[str, bytes] = {"result-1": METRICS}
        self.chat = FakeChat()
        self.calls: list[tuple[str, Any]] = []
        self.file_states: deque[FileState] = deque()  # of the next uploads; then ready
        self.course = [JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.SUCCEEDED]
        self.first_status = JobStatus.VALIDATING
        self.hidden: set[str] = set()  # jobs that listings do not show yet
        self.created_at: float | None = None  # of the next uploads
        self.looked_since: list[float | None] = []  # from when on a file's jobs were looked for
        self.cancels_at_once = True
        self.by_hand = False  # jobs do not go on by themselves
        self.room: int | None = None  # for active jobs
        self.refused = 0  # jobs, for want of room
        self._errors: dict[str, deque[tuple[BaseException | None, bool]]] = defaultdict(deque)

    def goes_wrong(self, call: str, *errors: BaseException | None, done: bool = False) -> None:
        """The next such calls raise; with `done` only after the work was done."""
        self._errors[call].extend((error, done) for error in errors)

    def count(self, call: str) -> int:
        return sum(name == call for name, _ in self.calls)

    @contextmanager
    def _call(self, name: str, argument: Any) -> Iterator[None]:
        self.calls.append((name, argument))
        error, done = self._errors[name].popleft() if self._errors[name] else (None, False)
        if error is not None and not done:
            raise error
        yield
        if error is not None:
            raise error

    def upload(self, name: str, content: BinaryIO, check: Check | None = None) -> RemoteFile:
        if check is not None:
            check()
        with self._call("upload", name):
            state = self.file_states.popleft() if self.file_states else FileState.READY
            file_id = f"file-{len(self.contents) + 1}"
            file = RemoteFile(
                id=file_id, state=state, detail="bad bytes", created_at=self.created_at
            )
            self.files[file.id] = file
            self.contents[file.id] = (name, content.read())
            return file

    def find_file(self, name: str) -> RemoteFile | None:
        with self._call("find_file", name):
            usable = [f for f in self.files.values() if f.state is not FileState.ERROR]
            return next((f for f in reversed(usable) if self.contents[f.id][0] == name), None)

    def file(self, file_id: str) -> RemoteFile:
        with self._call("file", file_id):
            if file_id not in self.files:
                raise refusal(ErrorKind.NOT_FOUND)
            return self.files[file_id]

    def delete_file(self, file_id: str) -> None:
        with self._call("delete_file", file_id):
            self.files.pop(file_id, None)
            self.results.pop(file_id, None)

    def set_file(self, file_id: str, state: FileState) -> None:
        self.files[file_id] = replace(self.files[file_id], state=state)

    def create_job(self, spec: JobSpec, check: Check | None = None) -> Job:
        if check is not None:
            check()
        with self._call("create_job", spec):
            if spec.training_file.startswith("file-") and spec.training_file not in self.files:
                raise refusal(ErrorKind.NOT_FOUND)
            if self.room is not None and len(self.active()) >= self.room:
                self.refused += 1
                raise refusal(ErrorKind.CAPACITY)
            return self.put_job(spec.purchase, spec=spec)

    def active(self) -> list[Job]:
        return [job for job in self.jobs.values() if not job.status.is_terminal]

    def put_job(
        self,
        purchase: str | None,
        status: JobStatus | None = None,
        spec: JobSpec | None = None,
        training_file: str | None = None,
    ) -> Job:
        job = Job(
            id=f"job-{len(self.jobs) + 1}",
            status=status or self.first_status,
            raw_status=str(status or self.first_status),
            model=MODEL,
            created_at=time.time(),
            purchase=purchase,
            training_file=spec.training_file if spec else training_file,
        )
        self.jobs[job.id] = job
        if spec is not None:
            self.specs[job.id] = spec
        return job

    def bought_for(self, job_id: str) -> str:
        """The job's purchase as its metadata says, or else the name of its training file."""
        job = self.jobs[job_id]
        name, _ = self.contents.get(job.training_file or "", ("", b""))
        own = re.fullmatch(r"tuneq-[0-9a-f]{32}-([a-z2-7]{20})-(\d+)\.jsonl", name)
        return job.purchase or (f"{own[1]}/{own[2]}" if own else "")

    def set_job(self, job_id: str, status: JobStatus, **fields: Any) -> Job:
        if status is JobStatus.SUCCEEDED:
            name = f"ft:{self.bought_for(job_id)}"
            fields = {
                "fine_tuned_model": name,
                "trained_tokens": 1000,
                "result_files": ("result-1",),
                **fields,
            }
        job = replace(self.jobs[job_id], status=status, raw_status=str(status), **fields)
        self.jobs[job_id] = job
        return job

    def go_on(self) -> None:
        """Every job takes its next step."""
        if self.by_hand:
            return
        for job in [job for job in self.jobs.values() if not job.status.is_terminal]:
            place = self.course.index(job.status) + 1 if job.status in self.course else 0
            self.set_job(job.id, self.course[place])

    def find_jobs(self, purchase: str, since: float | None) -> list[Job]:
        with self._call("find_jobs", purchase):
            return [job for job in self._listed(since) if job.purchase == purchase]

    def find_jobs_on(self, training_file: str, since: float | None) -> list[Job]:
        with self._call("find_jobs_on", training_file):
            self.looked_since.append(since)
            return [job for job in self._listed(since) if job.training_file == training_file]

    def _listed(self, since: float | None) -> list[Job]:
        assert since is None or since > 0
        shown = [job for job in self.jobs.values() if job.id not in self.hidden]
        return [job for job in shown if since is None or job.created_at >= since - HOUR_S]

    def all_jobs(self) -> Iterator[Job]:
        with self._call("all_jobs", None):
            yield from [job for job in self.jobs.values() if job.id not in self.hidden]

    def sweep(self, job_ids: Sequence[str], *, others: bool = False) -> list[Job]:
        with self._call("sweep", tuple(job_ids)):
            self.go_on()
            found = [self.jobs[job_id] for job_id in job_ids if job_id in self.jobs]
            rest = [job for job in self.jobs.values() if job.id not in self.hidden | set(job_ids)]
            return found + [job for job in rest if others and job.status.is_active]

    def job(self, job_id: str) -> Job:
        with self._call("job", job_id):
            if job_id not in self.jobs:
                raise refusal(ErrorKind.NOT_FOUND)
            return self.jobs[job_id]

    def cancel_job(self, job_id: str) -> Job:
        with self._call("cancel_job", job_id):
            if job_id not in self.jobs:
                raise refusal(ErrorKind.NOT_FOUND)
            if self.jobs[job_id].status.is_terminal or not self.cancels_at_once:
                return self.jobs[job_id]
            return self.set_job(job_id, JobStatus.CANCELLED)

    def events(self, job_id: str) -> list[dict[str, Any]]:
        with self._call("events", job_id):
            return [{"id": "event-1", "message": "begun"}, {"id": "event-2", "message": "ended"}]

    def checkpoints(self, job_id: str) -> list[dict[str, Any]]:
        with self._call("checkpoints", job_id):
            return [{"id": "checkpoint-1", "step_number": 1}]

    def result_file(self, file_id: str) -> bytes:
        with self._call("result_file", file_id):
            if file_id not in self.results:
                raise refusal(ErrorKind.NOT_FOUND)
            return self.results[file_id]

    def metrics(self, raw: bytes) -> list[StepMetric]:
        if raw != METRICS:
            raise ValueError("no column says which step a row is of")
        return [StepMetric(1, train_loss=0.5)]

    def checkpoint_metrics(self, checkpoints: Sequence[Mapping[str, Any]]) -> list[StepMetric]:
        return [StepMetric(int(row["step_number"]), train_loss=0.5) for row in checkpoints]

    @asynccontextmanager
    async def open_chat(self, in_flight: int) -> AsyncIterator[FakeChat]:
        self.calls.append(("open_chat", in_flight))
        yield self.chat


class FakeAccounts:
    """Accounts whose key is here, unless it is not."""

    def __init__(self, provider: Provider) -> None:
        self.given: Any = provider
        self.has_key = True

    def provider(self, name: str) -> Provider:
        if not self.has_key:
            raise ConfigurationError(f"account {name!r} has no key")
        given: Provider = self.given
        return given


@dataclass
class FakeLease:
    """A lease that is never lost unless told so, and keeps in order what was done with it."""

    asked: Asked | None = None
    choice: Choice | None = None
    slot: bool = True
    now: float = field(default_factory=time.time)
    token: int = 1
    wakes: int = 0
    wanted: bool = True
    log: list[tuple[str, Any]] = field(default_factory=list)

    @contextmanager
    def kept(self) -> Iterator[None]:
        yield

    def save(self, item: Any) -> None:
        self.log.append(("save", item))

    def require(self) -> None:
        """Held."""

    def renew(self, seconds: float) -> None:
        self.log.append(("renew", seconds))


def chat_line(number: int, answer: str = "A", **metadata: Any) -> bytes:
    line: dict[str, Any] = {
        "messages": [
            {"role": "user", "content": f"question {number}"},
            {"role": "assistant", "content": answer},
        ]
    }
    if metadata:
        line["metadata"] = metadata
    return orjson.dumps(line) + b"\n"


class World:
    """A real store and data root, with a fake provider at the only account."""

    def __init__(self, redis_url: str, prefix: str, folder: Path, **settings: Any) -> None:
        self.redis: Any = connect(redis_url)
        self._pass = self.redis.register_script(_TIME_PASSES)
        self.prefix = prefix
        self.provider = FakeProvider()
        self.accounts = FakeAccounts(self.provider)
        self.settings = Settings(
            redis_url=redis_url,
            key_prefix=prefix,
            default_account=ACCOUNT,
            accounts={
                ACCOUNT: Account(
                    base_url="http://nowhere.invalid",
                    capabilities=settings.pop("capabilities", Capabilities()),
                    limits=settings.pop("limits", Limits(max_active_jobs=2)),
                    deadlines=settings.pop("deadlines", Deadlines()),
                    prices=settings.pop("prices", {MODEL: Price(training=5.0)}),
                )
            },
            **settings,
        )
        data, retention = DataRoot(str(folder)), RedisRetention(self.redis, prefix)
        archive = Archive(data, retention)
        self.ports = Ports(
            items=RedisItems(self.redis, prefix),
            slots=RedisSlotBook(self.redis, prefix),
            catalogue=ArchivedCatalogue(RedisCatalogue(self.redis, prefix), archive),
            retention=retention,
            archive=archive,
            data=data,
            accounts=self.accounts,
            lane=LoopLane(self.accounts, self.settings),
            scorers=ConfiguredScorers(self.settings),
            settings=self.settings,
        )

    def put(self, path: str, lines: Sequence[bytes]) -> str:
        """A dataset under the data root; answers how a request names it."""
        with self.ports.data.write(path) as file:
            file.writelines(lines)
        return f"data:{path}"

    def request(self, **fields: Any) -> FineTuneRequest:
        """A request, by default for twelve lines to train on."""
        path = "train.jsonl"
        if "training_file" not in fields and not self.ports.data.exists(path):
            self.put(path, [chat_line(n, label="x") for n in range(12)])
        given = {"account": ACCOUNT, "model": MODEL, "training_file": f"data:{path}", **fields}
        return FineTuneRequest.model_validate(given)

    def submit(self, **fields: Any) -> ItemId:
        new = new_run(self.request(**fields))
        assert self.ports.items.create([new]) == [Creation.CREATED]
        return new.item

    def with_evaluation(self, name: str, **fields: Any) -> dict[str, Any]:
        """Fields of a request that is evaluated on five lines, beside the base model."""
        path = "eval.jsonl"
        if not self.ports.data.exists(path):
            self.put(path, [chat_line(100 + n, "AB"[n % 2]) for n in range(5)])
        evaluation = {"dataset": f"data:{path}", "baselines": [{"model": MODEL}], **fields}
        return {"name": name, "evaluation": evaluation}

    def a_run(self, stage: RunStage, request: FineTuneRequest | None = None, **fields: Any) -> Run:
        """A run in the hand, not in the store."""
        asked = request or self.request()
        return Run(id=asked.run_id(), stage=stage, request=asked, created_at=time.time(), **fields)

    def prepared(self, dataset: str = "data:eval.jsonl") -> Prepared:
        """What preparing makes of a run that is evaluated on this dataset."""
        digests = []
        for name in ("train.jsonl", dataset.removeprefix("data:")):
            path = Path(self.ports.data.url) / name
            digests.append(self.ports.data.stage(path).digest)
        source, evaluation = digests
        return Prepared(source, 12, 36, "none", evaluation_digest=evaluation, source_digest=source)

    def record(self, item: ItemId) -> Record:
        (record,) = self.ports.catalogue.read([item])
        assert record is not None
        return record

    def run(self, item: ItemId) -> Run:
        return load(self.record(item), Run)

    def account(self) -> AccountState:
        return load(self.record(account_id(ACCOUNT)), AccountState)

    def items_of(self, kind: Kind) -> list[Record]:
        found = self.redis.scan_iter(f"{self.prefix}:item:{kind}:*")
        start = len(f"{self.prefix}:item:")
        return [self.record(ItemId.parse(key[start:])) for key in sorted(found)]

    def slots(self) -> tuple[set[str], list[str]]:
        """Who holds a slot of the base model, and who stands in line."""
        pool = f"{self.prefix}:slots:{ACCOUNT}/{MODEL}"
        held = self.redis.smembers(f"{pool}:held")
        return set(held), list(self.redis.zrange(f"{pool}:line", 0, -1))

    def let_time_pass(self, *, grace: bool = True) -> None:
        """Every wait is over and every lease run out, except for what is parked.

        So is the grace in which an unanswered purchase is looked for, unless told otherwise.
        """
        self._pass(args=[self.prefix, int(grace)])

    def due(self) -> list[ItemId]:
        """What the store says is due, in its order."""
        queues = list(Queue)
        return [i for q in queues for i, _ in self.ports.items.due(q, 1000, HOUR_S)]

    def round(self, ports: Ports | None = None, *, grace: bool = True) -> None:
        """Time passes, and every due item takes one step, as hinted by the store alone."""
        self.let_time_pass(grace=grace)
        for item in self.due():
            step(ports or self.ports, item)

    def retry(self, item: ItemId) -> Run:
        """What `tuneq retry` does."""
        record = self.record(item)
        after = resumed(load(record, Run))
        assert self.ports.items.revive(record, after.stage, document(after), "retried")
        return after

    def drive(self, until: Callable[[], bool], *, rounds: int = 80) -> None:
        for _ in range(rounds):
            if until():
                return
            self.round()
        stages = [f"{r.item} {r.stage} {r.doc}" for kind in Kind for r in self.items_of(kind)]
        raise AssertionError(f"not so after {rounds} rounds: " + "\n".join(stages))

    def drive_to_end(self, *items: ItemId) -> None:
        self.drive(lambda: all(self.ended(item) for item in items))

    def ended(self, item: ItemId) -> bool:
        return is_terminal(item.kind, self.record(item).stage)

    def drive_to(self, item: ItemId, stage: str) -> None:
        self.drive(lambda: self.record(item).stage == stage)
