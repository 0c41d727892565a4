"""Jobs, their events and the models they made, in the database."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import orjson

from tuneq_sandbox.provider.database import Database
from tuneq_sandbox.provider.errors import not_found
from tuneq_sandbox.provider.file_store import INSERT_FILE, FileRecord
from tuneq_sandbox.provider.job import Job
from tuneq_sandbox.provider.job_records import Event, TunedModel


class JobStore:
    """Every change of a job is one transaction with the events that tell of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: Job, events: Iterable[Event]) -> None:
        """Keep a new job."""
        with self._database.transaction() as write:
            done = write.execute(
                "INSERT INTO jobs (id, model, created_at, active, document) VALUES (?, ?, ?, ?, ?)",
                (job.id, job.model, job.created_at, job.is_active, job.model_dump_json()),
            )
            pairs = (job.metadata or {}).items()
            write.executemany(
                "INSERT INTO job_metadata VALUES (?, ?, ?)",
                [(key, value, done.lastrowid) for key, value in pairs],
            )
            _insert_events(write, job.id, events)

    def change(
        self,
        job: Job,
        events: Iterable[Event] = (),
        *,
        models: Iterable[TunedModel] = (),
        files: Iterable[FileRecord] = (),
        forget_steps_after: float | None = None,
    ) -> None:
        """Keep the job as it is now, with what it made."""
        with self._database.transaction() as write:
            write.execute(
                "UPDATE jobs SET active = ?, document = ? WHERE id = ?",
                (job.is_active, job.model_dump_json(), job.id),
            )
            if forget_steps_after is not None:
                write.execute(
                    "DELETE FROM events WHERE job = ? AND type = 'metrics' AND created_at > ?",
                    (job.id, forget_steps_after),
                )
            _insert_events(write, job.id, events)
            write.executemany(INSERT_FILE, [asdict(file) for file in files])
            write.executemany(
                "INSERT INTO models (name, job, created_at, training, checkpoint, final, "
                "checkpoint_id, step, metrics) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [model.as_row(job.id) for model in models],
            )

    def get(self, job_id: str) -> Job:
        """The job.

        Raises:
            ApiError: 404.
        """
        row = self._database.row("SELECT document FROM jobs WHERE id = ?", job_id)
        if row is None:
            raise not_found(
                "Could not find fine tune",
                job_id,
                param="fine_tune_id",
                code="fine_tune_not_found",
            )
        return Job.model_validate_json(row["document"])

    def page(
        self,
        *,
        after: str | None,
        limit: int,
        metadata: Mapping[str, str] | None,
        created_before: float,
    ) -> tuple[list[Job], bool]:
        """At most `limit` jobs, newest first, and whether more follow.

        Args:
            after: the last job of the page before.
            limit: how many.
            metadata: pairs that a job must have; None: jobs without metadata and others alike.
            created_before: younger jobs are left out.

        Raises:
            ApiError: 404, there is no job `after`.
        """
        wheres, values = ["created_at <= ?"], list[object]([created_before])
        if after is not None:
            self.get(after)
            wheres.append("seq < (SELECT seq FROM jobs WHERE id = ?)")
            values.append(after)
        for key, value in (metadata or {}).items():
            wheres.append("seq IN (SELECT job FROM job_metadata WHERE key = ? AND value = ?)")
            values += [key, value]
        where = " AND ".join(wheres)
        sql = f"SELECT document FROM jobs WHERE {where} ORDER BY seq DESC LIMIT ?"  # noqa: S608 - fixed words
        rows = self._database.rows(sql, *values, limit + 1)
        jobs = [Job.model_validate_json(row["document"]) for row in rows[:limit]]
        return jobs, len(rows) > limit

    def unfinished(self) -> list[Job]:
        """Active jobs, oldest first."""
        rows = self._database.rows("SELECT document FROM jobs WHERE active ORDER BY seq")
        return [Job.model_validate_json(row["document"]) for row in rows]

    def count_active(self, model: str) -> int:
        """Active jobs of a base model."""
        row = self._database.row("SELECT count(*) n FROM jobs WHERE active AND model = ?", model)
        return row["n"] if row else 0

    def count(self) -> int:
        """All jobs that were ever accepted."""
        row = self._database.row("SELECT count(*) n FROM jobs")
        return row["n"] if row else 0

    def events(
        self, job_id: str, *, after: str | None, limit: int, now: float
    ) -> tuple[list[Event], bool]:
        """At most `limit` events of a job up to now, newest first, and whether more follow.

        Raises:
            ApiError: 404, there is no event `after`.
        """
        bound: float = float("inf")
        if after is not None:
            row = self._database.row(
                "SELECT seq FROM events WHERE job = ? AND id = ?", job_id, after
            )
            if row is None:
                raise not_found("No such event", after, param="after")
            bound = row["seq"]
        rows = self._database.rows(
            "SELECT * FROM events WHERE job = ? AND created_at <= ? AND seq < ? "
            "ORDER BY seq DESC LIMIT ?",
            job_id,
            now,
            bound,
            limit + 1,
        )
        return [Event.from_row(row) for row in rows[:limit]], len(rows) > limit

    def checkpoints(self, job_id: str) -> list[TunedModel]:
        """What a job made, the final model first."""
        rows = self._database.rows("SELECT * FROM models WHERE job = ? ORDER BY seq DESC", job_id)
        return [TunedModel.from_row(row) for row in rows]

    def find_model(self, name: str) -> TunedModel | None:
        """A tuned model or checkpoint by name."""
        row = self._database.row("SELECT * FROM models WHERE name = ?", name)
        return TunedModel.from_row(row) if row else None

    def final_models(self) -> list[TunedModel]:
        """All tuned models, checkpoints left out."""
        rows = self._database.rows("SELECT * FROM models WHERE final ORDER BY seq")
        return [TunedModel.from_row(row) for row in rows]


def _insert_events(write: sqlite3.Connection, job_id: str, events: Iterable[Event]) -> None:
    rows: list[tuple[Any, ...]] = [
        (
            event.id,
            job_id,
            event.created_at,
            event.level,
            event.message,
            event.type,
            orjson.dumps(event.data),
        )
        for event in events
    ]
    write.executemany(
        "INSERT INTO events (id, job, created_at, level, message, type, data) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
