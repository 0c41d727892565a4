"""Files: what was uploaded, and what jobs made."""

from dataclasses import asdict, dataclass
from typing import Any

from tuneq_sandbox.provider.database import Database
from tuneq_sandbox.provider.errors import not_found
from tuneq_sandbox.provider.ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One file; times are Unix seconds."""

    id: str
    filename: str
    purpose: str
    bytes: int
    sha256: str
    created_at: float
    processed_at: float
    """From then on it may be used."""

    def is_processed(self, now: float) -> bool:
        """Whether the provider has looked it through."""
        return now >= self.processed_at

    def as_api(self, now: float) -> dict[str, Any]:
        """The file object."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": self.bytes,
            "created_at": int(self.created_at),
            "expires_at": None,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed" if self.is_processed(now) else "uploaded",
            "status_details": None,
        }


def new_file(
    *, filename: str, purpose: str, content: tuple[str, int], now: float, delay_s: float = 0.0
) -> FileRecord:
    """A record for a content that is on disk: (sha256, bytes)."""
    return FileRecord(
        id=new_id("file-"),
        filename=filename,
        purpose=purpose,
        bytes=content[1],
        sha256=content[0],
        created_at=now,
        processed_at=now + delay_s,
    )


class FileStore:
    """Files in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, record: FileRecord) -> None:
        """Note a file whose content is on disk."""
        with self._database.transaction() as write:
            write.execute(INSERT_FILE, asdict(record))

    def find(self, file_id: str) -> FileRecord | None:
        """The file, if there is one."""
        row = self._database.row("SELECT * FROM files WHERE id = ?", file_id)
        return _record(row) if row else None

    def get(self, file_id: str) -> FileRecord:
        """The file.

        Raises:
            ApiError: 404.
        """
        record = self.find(file_id)
        if record is None:
            raise not_found("No such File object", file_id, param="id")
        return record

    def page(
        self, *, purpose: str | None, after: str | None, limit: int, newest_first: bool
    ) -> tuple[list[FileRecord], bool]:
        """At most `limit` files after another, and whether more follow.

        Raises:
            ApiError: 404, there is no file `after`.
        """
        order = "DESC" if newest_first else "ASC"
        wheres, values = ["1"], list[object]()
        if purpose is not None:
            wheres.append("purpose = ?")
            values.append(purpose)
        if after is not None:
            self.get(after)
            place = "(SELECT seq FROM files WHERE id = ?)"
            wheres.append(f"seq < {place}" if newest_first else f"seq > {place}")
            values.append(after)
        where = " AND ".join(wheres)
        sql = f"SELECT * FROM files WHERE {where} ORDER BY seq {order} LIMIT ?"  # noqa: S608 - fixed words
        rows = self._database.rows(sql, *values, limit + 1)
        return [_record(row) for row in rows[:limit]], len(rows) > limit

    def all(self) -> list[FileRecord]:
        """All files, oldest first."""
        return [_record(row) for row in self._database.rows("SELECT * FROM files ORDER BY seq")]

    def remove(self, file_id: str) -> None:
        """Forget a file; its content stays until nobody needs it."""
        with self._database.transaction() as write:
            write.execute("DELETE FROM files WHERE id = ?", (file_id,))

    def contents(self) -> set[str]:
        """Digests of all files."""
        return {row["sha256"] for row in self._database.rows("SELECT sha256 FROM files")}

    def holds(self, sha256: str) -> bool:
        """Whether a file has that content."""
        return self._database.row("SELECT 1 FROM files WHERE sha256 = ?", sha256) is not None


INSERT_FILE = (
    "INSERT INTO files (id, filename, purpose, bytes, sha256, created_at, processed_at) "
    "VALUES (:id, :filename, :purpose, :bytes, :sha256, :created_at, :processed_at)"
)


def _record(row: Any) -> FileRecord:
    return FileRecord(**{name: row[name] for name in FileRecord.__dataclass_fields__})
