"""The alternative: a run as a bare chain of Celery tasks that call the SDK, nothing kept between.

    BENCH_REDIS=... BENCH_URL=... celery -A benchmarks.celery_chain worker

It finds nothing again after a crash, and evaluates on the dataset that lies in BENCH_DATASET.
"""

import asyncio
import os
import time
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from celery import Celery, chain
from openai import AsyncOpenAI, OpenAI
from redis import Redis

DONE = "bench:done"  # how many have ended
NOTICED = "bench:noticed"  # a job's id, and when its end was seen
IN_FLIGHT = 64
URL = os.environ.get("BENCH_URL", "")
REDIS = os.environ.get("BENCH_REDIS", "")
KEY = "sk-bench-0123456789"

app = Celery("bench", broker=REDIS, set_as_current=False)
app.conf.update(
    broker_transport_options={"visibility_timeout": 6 * 3600},
    task_acks_late=True,
    task_ignore_result=True,
    worker_concurrency=8,
    worker_pool="threads",
    worker_prefetch_multiplier=1,
)


def client_at(url: str) -> OpenAI:
    """The SDK as it is."""
    return OpenAI(base_url=url, api_key=KEY)


@cache
def _client() -> OpenAI:
    return client_at(URL)


@cache
def _redis() -> Any:
    return Redis.from_url(REDIS)


@app.task(name="bench.create")
def create(training_file: str, name: str) -> str:
    """Buy a job; its id."""
    job = _client().fine_tuning.jobs.create(
        model="m", training_file=training_file, metadata={"name": name}
    )
    return job.id


@app.task(name="bench.train", bind=True, max_retries=None)
def train(self: Any, job_id: str) -> str:
    """Look until it has ended."""
    job = _client().fine_tuning.jobs.retrieve(job_id)
    if job.status != "succeeded":
        raise self.retry(countdown=1)
    return job_id


@app.task(name="bench.collect")
def collect(job_id: str, folder: str) -> str:
    """Keep what there is; the model's name."""
    jobs = _client().fine_tuning.jobs
    events = [event.model_dump() for event in jobs.list_events(job_id)]
    checkpoints = [each.model_dump() for each in jobs.checkpoints.list(job_id)]
    job = jobs.retrieve(job_id)
    for file_id in job.result_files:
        Path(folder, f"{job_id}.csv").write_bytes(_client().files.content(file_id).content)
    Path(folder, f"{job_id}.json").write_bytes(orjson.dumps([events, checkpoints]))
    return job.fine_tuned_model or ""


@app.task(name="bench.evaluate")
def evaluate(model: str, folder: str) -> None:
    """Score it, if there is something to score it on."""
    dataset = os.environ.get("BENCH_DATASET")
    if dataset:
        lines = [orjson.loads(line) for line in Path(dataset).read_bytes().splitlines()]
        predictions = asyncio.run(_asked(model, lines))
        Path(folder, f"{model.replace(':', '-')}.jsonl").write_bytes(orjson.dumps(predictions))
    _redis().incr(DONE)


async def _asked(model: str, lines: list[dict[str, Any]]) -> list[str | None]:
    gate = asyncio.Semaphore(IN_FLIGHT)
    async with AsyncOpenAI(base_url=URL, api_key=KEY) as client:

        async def ask(messages: list[Any]) -> str | None:
            async with gate:
                answer = await client.chat.completions.create(
                    model=model, messages=messages, max_tokens=8, temperature=0.0
                )
            return answer.choices[0].message.content

        return await asyncio.gather(*(ask(line["messages"][:-1]) for line in lines))


@app.task(name="bench.poll")
def poll(job_id: str, interval_s: float) -> None:
    """Look once, and again after a while, one task for each job."""
    job = _client().fine_tuning.jobs.retrieve(job_id)
    if job.status == "succeeded":
        _redis().hset(NOTICED, job_id, time.time())
    else:
        poll.apply_async((job_id, interval_s), countdown=interval_s)


def run(training_file: str, name: str, folder: str, connection: Any) -> None:
    """Send one."""
    steps = (create.s(training_file, name), train.s(), collect.s(folder), evaluate.s(folder))
    chain(*steps).apply_async(connection=connection)
