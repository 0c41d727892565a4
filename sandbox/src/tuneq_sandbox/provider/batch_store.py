"""Batches in the database."""

from collections.abc import Iterable
from dataclasses import asdict

from tuneq_sandbox.provider.batch import Batch
from tuneq_sandbox.provider.database import Database
from tuneq_sandbox.provider.errors import not_found
from tuneq_sandbox.provider.file_store import INSERT_FILE, FileRecord


class BatchStore:
    """Every change of a batch is one transaction with the files that it made."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, batch: Batch) -> None:
        """Keep a new batch."""
        with self._database.transaction() as write:
            write.execute(
                "INSERT INTO batches (id, created_at, active, document) VALUES (?, ?, ?, ?)",
                (batch.id, batch.created_at, batch.is_active, batch.model_dump_json()),
            )

    def change(self, batch: Batch, files: Iterable[FileRecord] = ()) -> None:
        """Keep the batch as it is now, with what it made."""
        with self._database.transaction() as write:
            write.execute(
                "UPDATE batches SET active = ?, document = ? WHERE id = ?",
                (batch.is_active, batch.model_dump_json(), batch.id),
            )
            write.executemany(INSERT_FILE, [asdict(file) for file in files])

    def get(self, batch_id: str) -> Batch:
        """The batch.

        Raises:
            ApiError: 404.
        """
        row = self._database.row("SELECT document FROM batches WHERE id = ?", batch_id)
        if row is None:
            raise not_found("No batch found with id", batch_id, param="batch_id")
        return Batch.model_validate_json(row["document"])

    def page(
        self, *, after: str | None, limit: int, created_before: float
    ) -> tuple[list[Batch], bool]:
        """At most `limit` batches, newest first, and whether more follow.

        Raises:
            ApiError: 404, there is no batch `after`.
        """
        where, values = "created_at <= ?", list[object]([created_before])
        if after is not None:
            self.get(after)
            where += " AND seq < (SELECT seq FROM batches WHERE id = ?)"
            values.append(after)
        sql = f"SELECT document FROM batches WHERE {where} ORDER BY seq DESC LIMIT ?"  # noqa: S608 - fixed words
        rows = self._database.rows(sql, *values, limit + 1)
        batches = [Batch.model_validate_json(row["document"]) for row in rows[:limit]]
        return batches, len(rows) > limit

    def unfinished(self) -> list[Batch]:
        """Active batches, oldest first."""
        rows = self._database.rows("SELECT document FROM batches WHERE active ORDER BY seq")
        return [Batch.model_validate_json(row["document"]) for row in rows]

    def count(self) -> int:
        """All batches that were ever accepted."""
        row = self._database.row("SELECT count(*) n FROM batches")
        return row["n"] if row else 0
