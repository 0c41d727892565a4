"""A provider of jobs that cost nothing, in a process of its own: many of them, counted.

    python -m benchmarks.jobs_server '{"ends_at_once": true}'

It prints its port. Beside the API there are `POST /end?count=N`, which ends the oldest jobs that
go on, and `GET /stats`.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

RESULTS = b"step,train_loss\n1,0.5\n2,0.25\n"
PURCHASE = "metadata[tuneq_purchase]"
MAX_BYTES = 1 << 24
Call = Callable[[web.Request], Awaitable[bytes]]
Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass
class Jobs:
    """All jobs, oldest first, as they are shown."""

    ends_at_once: bool = False  # each has ended when it is looked at next
    order: list[str] = field(default_factory=list)
    place: dict[str, int] = field(default_factory=dict)
    shown: dict[str, bytes] = field(default_factory=dict)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_purchase: dict[str, str] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)  # when, in seconds since the epoch
    seen: dict[str, float] = field(default_factory=dict)  # when that was first answered
    calls: Counter[str] = field(default_factory=Counter)
    pages: list[float] = field(default_factory=list)  # when each page of all jobs was answered
    files: list[dict[str, Any]] = field(default_factory=list)

    def create(self, asked: dict[str, Any]) -> bytes:
        """A job that is running."""
        job_id = f"ftjob-{len(self.order):024}"
        metadata = asked.get("metadata") or {}
        document = {
            "object": "fine_tuning.job",
            "id": job_id,
            "model": asked["model"],
            "created_at": int(time.time()),
            "finished_at": None,
            "estimated_finish": None,
            "fine_tuned_model": None,
            "organization_id": "org-bench",
            "result_files": [],
            "status": "running",
            "validation_file": None,
            "training_file": asked["training_file"],
            "hyperparameters": {"n_epochs": 3, "batch_size": 1, "learning_rate_multiplier": 2.0},
            "trained_tokens": None,
            "error": {},
            "user_provided_suffix": asked.get("suffix"),
            "seed": asked.get("seed") or 1,
            "integrations": [],
            "metadata": metadata,
            "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}},
        }
        self.place[job_id] = len(self.order)
        self.order.append(job_id)
        self.documents[job_id] = document
        self.by_purchase[metadata.get("tuneq_purchase", "")] = job_id
        answer = self.shown[job_id] = orjson.dumps(document)
        if self.ends_at_once:
            self.end(job_id)
        return answer

    def end(self, job_id: str) -> None:
        """It has succeeded."""
        changes = {
            "status": "succeeded",
            "fine_tuned_model": f"ft:{job_id}",
            "trained_tokens": 1000,
            "result_files": [f"file-of-{job_id}"],
            "finished_at": int(time.time()),
        }
        self.documents[job_id] |= changes
        self.shown[job_id] = orjson.dumps(self.documents[job_id])
        self.ended[job_id] = time.time()

    def end_oldest(self, count: int) -> None:
        """The oldest that go on."""
        for job_id in [job for job in self.order if job not in self.ended][:count]:
            self.end(job_id)

    def page(self, limit: int, after: str | None) -> bytes:
        """Newest first."""
        stop = self.place[after] if after else len(self.order)
        start = max(0, stop - limit)
        ids = self.order[start:stop][::-1]
        now = time.time()
        self.pages.append(now)
        for job_id in ids:
            if job_id in self.ended:
                self.seen.setdefault(job_id, now)
        return _listing([self.shown[job_id] for job_id in ids], more=start > 0)

    def stats(self) -> dict[str, Any]:
        """What was asked, and when the end of which job was answered first."""
        return {
            "calls": dict(self.calls),
            "pages": self.pages,
            "ended": self.ended,
            "seen": self.seen,
        }


def _listing(entries: Sequence[bytes], *, more: bool = False) -> bytes:
    says = b"true" if more else b"false"
    return b'{"object":"list","data":[' + b",".join(entries) + b'],"has_more":' + says + b"}"


def _completion(asked: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": "A", "refusal": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": asked["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": 50, "completion_tokens": 1, "total_tokens": 51},
    }


class Api:
    """What is asked for over HTTP; every call of a provider's is counted by its name here."""

    def __init__(self, jobs: Jobs) -> None:
        """Serve these jobs."""
        self._jobs = jobs

    async def upload(self, request: web.Request) -> bytes:
        """A file, processed at once."""
        part = (await request.post())["file"]
        name = part.filename if isinstance(part, web.FileField) else "file"
        file = {"id": f"file-{len(self._jobs.files)}", "object": "file", "filename": name,
                "purpose": "fine-tune", "bytes": 1, "created_at": int(time.time()),
                "status": "processed"}  # fmt: skip
        self._jobs.files.append(file)
        return orjson.dumps(file)

    async def files(self, _: web.Request) -> bytes:
        """Newest first, in one page."""
        return _listing([orjson.dumps(file) for file in self._jobs.files[::-1]])

    async def create(self, request: web.Request) -> bytes:
        """A job."""
        return self._jobs.create(orjson.loads(await request.read()))

    async def find(self, request: web.Request) -> bytes:
        """The job of a purchase."""
        found = self._jobs.by_purchase.get(request.query[PURCHASE])
        return _listing([self._jobs.shown[found]] if found else [])

    async def list(self, request: web.Request) -> bytes:
        """A page of all jobs."""
        query = request.query
        return self._jobs.page(int(query.get("limit", "20")), query.get("after"))

    async def job(self, request: web.Request) -> bytes:
        """One."""
        job_id = request.match_info["job"]
        if job_id in self._jobs.ended:
            self._jobs.seen.setdefault(job_id, time.time())
        return self._jobs.shown[job_id]

    async def nothing(self, _: web.Request) -> bytes:
        """An empty list."""
        return _listing([])

    async def content(self, _: web.Request) -> bytes:
        """A result file."""
        return RESULTS

    async def chat(self, request: web.Request) -> bytes:
        """An answer."""
        return orjson.dumps(_completion(orjson.loads(await request.read())))

    async def end(self, request: web.Request) -> web.Response:
        """End some."""
        self._jobs.end_oldest(int(request.query["count"]))
        return web.Response()

    async def stats(self, _: web.Request) -> web.Response:
        """What was seen."""
        return web.json_response(self._jobs.stats())

    def routes(self) -> Iterator[web.RouteDef]:
        """All of it."""
        jobs = "/v1/fine_tuning/jobs"
        yield web.post("/v1/files", self._counted(self.upload))
        yield web.get("/v1/files", self._counted(self.files))
        yield web.get("/v1/files/{file}/content", self._counted(self.content))
        yield web.post(jobs, self._counted(self.create))
        yield web.get(jobs, self._found_or_listed)
        yield web.get(f"{jobs}/{{job}}", self._counted(self.job))
        yield web.get(f"{jobs}/{{job}}/events", self._counted(self.nothing))
        yield web.get(f"{jobs}/{{job}}/checkpoints", self._counted(self.nothing))
        yield web.get("/v1/models", self._counted(self.nothing))
        yield web.post("/v1/chat/completions", self._counted(self.chat))
        yield web.post("/v1/end", self.end)
        yield web.get("/v1/stats", self.stats)

    async def _found_or_listed(self, request: web.Request) -> web.Response:
        call = self.find if PURCHASE in request.query else self.list
        return await self._counted(call)(request)

    def _counted(self, call: Call) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            self._jobs.calls[call.__name__] += 1
            return web.Response(body=await call(request), content_type="application/json")

        return answer


async def serve(jobs: Jobs) -> None:
    """Until the process ends."""
    app = web.Application(client_max_size=MAX_BYTES)
    app.add_routes([*Api(jobs).routes()])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=2048)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Jobs(**json.loads(sys.argv[1]))))
