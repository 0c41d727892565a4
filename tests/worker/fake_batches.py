"""The batches of a fake account: answered as its chat answers, after some looks."""

import io
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, BinaryIO

import orjson

from tuneq_shared.data.digest import sha256_of_messages
from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.batches import Answer, Batch, BatchStatus
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import Completion, FileState, ProviderError, RemoteFile

EXPIRED = ProviderError(ErrorKind.SERVER, "its time was over", code="batch_expired")


class FakeBatches:
    """The part of a fake provider that is about batches."""

    _call: Any  # notes a call, and raises what was scripted for it
    chat: Any
    files: dict[str, RemoteFile]
    contents: dict[str, tuple[str, bytes]]
    results: dict[str, bytes]

    def __init__(self) -> None:
        self.batches: dict[str, Batch] = {}
        self.unlisted_batches: set[str] = set()
        self.looks = 1  # until a batch has ended
        self.expire_after: deque[int] = deque()  # requests that the next batches answer in time
        self.turn_away: deque[ProviderError] = deque()  # the next batches, as a whole
        self.paid: Counter[str] = Counter()  # answers, by their messages
        self._looked: Counter[str] = Counter()
        self._brought: dict[bytes, list[Answer]] = {}

    def active_batches(self) -> list[Batch]:
        return [each for each in self.batches.values() if not each.status.is_terminal]

    def _noting(self, name: str, argument: Any) -> AbstractContextManager[None]:
        noted: AbstractContextManager[None] = self._call(name, argument)
        return noted

    def request_line(
        self,
        request: str,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        parameters: Mapping[str, Any],
    ) -> bytes:
        del parameters
        line = {"id": request, "model": model, "messages": messages}
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)

    def upload_requests(
        self, name: str, content: BinaryIO, check: Check | None = None
    ) -> RemoteFile:
        if check is not None:
            check()
        with self._noting("upload_requests", name):
            content.seek(0)
            return self._put(name, content.read())

    def _put(self, name: str, content: bytes) -> RemoteFile:
        file = RemoteFile(id=f"file-{len(self.contents) + 1}", state=FileState.READY)
        self.files[file.id], self.contents[file.id] = file, (name, content)
        return file

    def find_requests(self, name: str) -> RemoteFile | None:
        with self._noting("find_requests", name):
            found = [f for f in self.files.values() if self.contents[f.id][0] == name]
            return found[-1] if found else None

    def create_batch(
        self, requests: str, purchase: str | None, check: Check | None = None
    ) -> Batch:
        if check is not None:
            check()
        with self._noting("create_batch", purchase):
            if requests not in self.files:
                raise ProviderError(ErrorKind.NOT_FOUND, f"no file {requests}")
            batch = Batch(
                id=f"batch-{len(self.batches) + 1}",
                status=BatchStatus.ACTIVE,
                raw_status="validating",
                created_at=time.time(),
                purchase=purchase,
                requests=requests,
            )
            self.batches[batch.id] = batch
            return batch

    def find_batches(self, purchase: str, requests: str, since: float) -> list[Batch]:
        with self._noting("find_batches", purchase):
            assert since < time.time() + 1
            shown = [b for b in self.batches.values() if b.id not in self.unlisted_batches]
            return [
                each
                for each in shown
                if each.purchase == purchase
                or (each.purchase is None and each.requests == requests)
            ]

    def batch(self, batch_id: str) -> Batch:
        with self._noting("batch", batch_id):
            if batch_id not in self.batches:
                raise ProviderError(ErrorKind.NOT_FOUND, f"no batch {batch_id}")
            self._looked[batch_id] += 1
            going_on = not self.batches[batch_id].status.is_terminal
            if going_on and self._looked[batch_id] >= self.looks:
                self._end(batch_id)
            return self.batches[batch_id]

    def cancel_batch(self, batch_id: str) -> Batch:
        with self._noting("cancel_batch", batch_id):
            if batch_id not in self.batches:
                raise ProviderError(ErrorKind.NOT_FOUND, f"no batch {batch_id}")
            if not self.batches[batch_id].status.is_terminal:
                self.expire_after.appendleft(1)
                self._end(batch_id, BatchStatus.CANCELLED)
            return self.batches[batch_id]

    def read_answers(self, raw: bytes) -> Iterator[Answer]:
        return iter(self._brought[raw])

    def _end(self, batch_id: str, status: BatchStatus = BatchStatus.COMPLETED) -> None:
        batch = self.batches[batch_id]
        if self.turn_away:
            failed = replace(batch, status=BatchStatus.FAILED, failure=self.turn_away.popleft())
            self.batches[batch_id] = failed
            return
        lines = [orjson.loads(row) for row in io.BytesIO(self.contents[batch.requests or ""][1])]
        in_time = self.expire_after.popleft() if self.expire_after else len(lines)
        if in_time < len(lines) and status is BatchStatus.COMPLETED:
            status = BatchStatus.EXPIRED
        answers = [Answer(line["id"], self._answer(line)) for line in lines[:in_time]]
        if status is BatchStatus.EXPIRED:
            answers += [Answer(line["id"], EXPIRED) for line in lines[in_time:]]
        good = [each for each in answers if isinstance(each.result, Completion)]
        bad = [each for each in answers if isinstance(each.result, ProviderError)]
        files = []
        for kind, rows in (("output", good), ("errors", bad)):
            if rows:
                raw = f"{kind} of {batch_id}".encode()
                file = self._put(f"{batch_id}-{kind}", raw)
                # In no order.
                self._brought[raw], self.results[file.id] = rows[::-1], raw
                files.append(file.id)
        self.batches[batch_id] = replace(
            batch, status=status, raw_status=str(status), answers=tuple(files)
        )

    def _answer(self, line: dict[str, Any]) -> Completion | ProviderError:
        try:
            answer: Completion = self.chat.answer(line["model"], line["messages"])
        except ProviderError as error:
            return error
        self.paid[sha256_of_messages(line["messages"])] += 1
        return answer
