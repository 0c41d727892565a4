"""Leads every job from validation to its end, and goes on where a killed server stopped."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterable
from functools import lru_cache
from pathlib import Path

from aiohttp import web

from tuneq_sandbox.learner.saving import load_metrics
from tuneq_sandbox.learner.training import count_steps
from tuneq_sandbox.provider.file_store import new_file
from tuneq_sandbox.provider.folder import training_key
from tuneq_sandbox.provider.job import Job, JobError
from tuneq_sandbox.provider.job_outcome import step_events, success_events, tuned_models
from tuneq_sandbox.provider.job_plan import choose_hyperparameters, order_facts, plan_of
from tuneq_sandbox.provider.job_records import Event
from tuneq_sandbox.provider.learning import TrainingOrder
from tuneq_sandbox.provider.result_csv import result_csv
from tuneq_sandbox.provider.state import State
from tuneq_sandbox.provider.trainer_pool import TrainerPool
from tuneq_sandbox.provider.training_file import FileReport, InvalidFileError, inspect_file

_logger = logging.getLogger(__name__)


class JobRunner:
    """One asyncio task an active job."""

    def __init__(self, state: State, pool: TrainerPool) -> None:
        self._state = state
        self._pool = pool
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._places: dict[str, asyncio.Semaphore] = {}
        # A content never changes, and many jobs share one.
        self._inspect = lru_cache(maxsize=1024)(inspect_file)

    def resume(self) -> None:
        """Take up all jobs that have not ended."""
        for job in self._state.jobs.unfinished():
            self.start(job)

    def start(self, job: Job) -> None:
        """Lead a job that stands in the database."""
        task = asyncio.create_task(self._lead(job))
        self._tasks[job.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(job.id, None))

    def cancel(self, job: Job) -> Job:
        """End a job now; gives it as it is then."""
        now = time.time()
        changed = job.changed(status="cancelled", finished_at=now)
        self._state.jobs.change(
            changed,
            [Event(created_at=now, message="The job was cancelled by the user.")],
            forget_steps_after=now,
        )
        task = self._tasks.get(job.id)
        if task is not None:
            task.cancel()
        self._release(changed)
        return changed

    async def close(self) -> None:
        """Let go of all jobs; the next server takes them up."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pool.close()

    async def _lead(self, job: Job) -> None:
        try:
            if job.status == "validating_files":
                job = await self._validate(job)
            async with self._place(job.model):
                await self._train(job)
        except InvalidFileError as error:
            self._fail(job, "invalid_training_file", str(error), "training_file")
        except _InvalidValidationFileError as error:
            self._fail(job, "invalid_validation_file", str(error), "validation_file")
        except Exception:
            _logger.exception("job %s failed", job.id)
            self._fail(job, "server_error", "The job failed due to an internal error.", None)

    async def _validate(self, job: Job) -> Job:
        report = await self._look_through(job.training_sha256)
        if job.validation_sha256:
            try:
                await self._look_through(job.validation_sha256)
            except InvalidFileError as error:
                raise _InvalidValidationFileError(str(error)) from error
        chosen = choose_hyperparameters(job.hyperparameters, report)
        plan = plan_of(chosen, job.seed)
        return self._change(
            job.changed(
                status="queued",
                hyperparameters=chosen,
                steps=count_steps(report.examples, plan),
                tokens=report.tokens * plan.n_epochs,
            ),
            "Files validated, moving job to queued state",
        )

    async def _look_through(self, sha256: str) -> FileReport:
        path = self._state.folder.content(sha256)
        return await asyncio.to_thread(self._inspect, path)

    async def _train(self, job: Job) -> None:
        steps = job.steps or 0
        simulated = steps * self._state.config.seconds_per_step
        async with self._pool.free:
            if job.started_at is None:
                now = time.time()
                job = self._change(
                    job.changed(status="running", started_at=now, estimated_finish=now + simulated),
                    "Fine-tuning job started",
                )
            started = job.started_at or time.time()
            key, output = await self._learn(job)
        metrics = await asyncio.to_thread(load_metrics, output)
        end = max(started + simulated, time.time())
        # What a killed server told of the steps is told again.
        self._state.jobs.change(
            job, step_events(metrics.steps, started, end), forget_steps_after=started
        )
        await asyncio.sleep(end - time.time())
        now = time.time()
        columns = self._state.faults.oddities.result_columns
        content = self._state.folder.keep_bytes(result_csv(metrics.steps, columns))
        result = new_file(
            filename="step_metrics.csv", purpose="fine-tune-results", content=content, now=now
        )
        job = job.changed(
            status="succeeded",
            finished_at=now,
            fine_tuned_model=job.model_name,
            trained_tokens=job.tokens,
            result_files=[result.id],
        )
        models = tuned_models(job, key, metrics, now)
        self._state.jobs.change(
            job, success_events(job, models, now), models=models, files=[result]
        )
        self._release(job)

    async def _learn(self, job: Job) -> tuple[str, Path]:
        plan = plan_of(job.hyperparameters, job.seed)
        key = training_key(*order_facts(job, plan))
        output = self._state.folder.training(key)
        if not output.exists():
            validation = job.validation_sha256
            await self._pool.train(
                TrainingOrder(
                    training=self._state.folder.content(job.training_sha256),
                    validation=self._state.folder.content(validation) if validation else None,
                    plan=plan,
                    output=output,
                )
            )
            self._state.stats.trained()
        return key, output

    @contextlib.asynccontextmanager
    async def _place(self, model: str) -> AsyncIterator[None]:
        """Where jobs over the cap are queued, they wait here in order."""
        config = self._state.config
        if config.max_active_jobs is None or config.when_full == "refuse":
            yield
            return
        place = self._places.setdefault(model, asyncio.Semaphore(config.max_active_jobs))
        async with place:
            yield

    def _change(self, job: Job, message: str) -> Job:
        self._state.jobs.change(job, [Event(created_at=time.time(), message=message)])
        return job

    def _fail(self, job: Job, code: str, message: str, param: str | None) -> None:
        now = time.time()
        if param:
            message = f"The job failed due to an invalid {param.replace('_', ' ')}. {message}"
        present = self._state.jobs.get(job.id)
        if not present.is_active:
            return
        failed = present.changed(
            status="failed",
            finished_at=now,
            error=JobError(code=code, message=message, param=param),
        )
        self._state.jobs.change(failed, [Event(created_at=now, message=message, level="error")])
        self._release(failed)

    def _release(self, job: Job) -> None:
        for sha256 in _contents(job):
            self._state.release_content(sha256)


class _InvalidValidationFileError(Exception):
    """The validation file is wrong."""


def _contents(job: Job) -> Iterable[str]:
    return filter(None, (job.training_sha256, job.validation_sha256))


RUNNER = web.AppKey("runner", JobRunner)
