"""Uploads in parts: pending until they are completed, cancelled or too old."""

from dataclasses import asdict, dataclass
from typing import Any

from tuneq_sandbox.provider.database import Database
from tuneq_sandbox.provider.errors import ApiError, not_found
from tuneq_sandbox.provider.file_store import INSERT_FILE, FileRecord

LIFETIME_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload; times are Unix seconds."""

    id: str
    filename: str
    purpose: str
    bytes: int
    """The length that was announced."""
    created_at: float
    expires_at: float
    status: str
    file: str | None = None
    """The file it became."""

    def as_api(self, now: float, file: FileRecord | None = None) -> dict[str, Any]:
        """The upload object."""
        late = self.status == "pending" and now >= self.expires_at
        return {
            "id": self.id,
            "object": "upload",
            "bytes": self.bytes,
            "created_at": int(self.created_at),
            "expires_at": int(self.expires_at),
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "expired" if late else self.status,
            "file": file.as_api(now) if file else None,
        }


class UploadStore:
    """Uploads and their parts in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, upload: Upload) -> None:
        """Note a new upload."""
        with self._database.transaction() as write:
            write.execute(
                "INSERT INTO uploads VALUES "
                "(:id, :filename, :purpose, :bytes, :created_at, :expires_at, :status, :file)",
                asdict(upload),
            )

    def get(self, upload_id: str) -> Upload:
        """The upload.

        Raises:
            ApiError: 404.
        """
        row = self._database.row("SELECT * FROM uploads WHERE id = ?", upload_id)
        if row is None:
            raise not_found("No such Upload object", upload_id, param="upload_id")
        return Upload(**dict(row))

    def get_pending(self, upload_id: str, now: float) -> Upload:
        """The upload, to which parts may still be added.

        Raises:
            ApiError: 404, or 400 when it is over.
        """
        upload = self.get(upload_id)
        status = upload.as_api(now)["status"]
        if status != "pending":
            raise ApiError(400, f"Upload {upload_id} is {status}.", param="upload_id")
        return upload

    def add_part(self, part_id: str, upload_id: str, size: int, now: float) -> None:
        """Note a part whose bytes are on disk."""
        with self._database.transaction() as write:
            write.execute("INSERT INTO parts VALUES (?, ?, ?, ?)", (part_id, upload_id, size, now))

    def parts(self, upload_id: str) -> dict[str, int]:
        """Length in bytes by part."""
        rows = self._database.rows("SELECT id, bytes FROM parts WHERE upload = ?", upload_id)
        return {row["id"]: row["bytes"] for row in rows}

    def complete(self, upload_id: str, file: FileRecord) -> None:
        """The upload became a file; its parts are forgotten."""
        with self._database.transaction() as write:
            write.execute(INSERT_FILE, asdict(file))
            write.execute(
                "UPDATE uploads SET status = 'completed', file = ? WHERE id = ?",
                (file.id, upload_id),
            )
            write.execute("DELETE FROM parts WHERE upload = ?", (upload_id,))

    def cancel(self, upload_id: str) -> None:
        """No part may be added any more; those there are forgotten."""
        with self._database.transaction() as write:
            write.execute("UPDATE uploads SET status = 'cancelled' WHERE id = ?", (upload_id,))
            write.execute("DELETE FROM parts WHERE upload = ?", (upload_id,))

    def forget_expired(self, now: float) -> None:
        """Forget the parts of uploads that nobody completed in time."""
        with self._database.transaction() as write:
            write.execute(
                "DELETE FROM parts WHERE upload IN "
                "(SELECT id FROM uploads WHERE status = 'pending' AND expires_at <= ?)",
                (now,),
            )

    def all_parts(self) -> set[str]:
        """Parts of all uploads."""
        return {row["id"] for row in self._database.rows("SELECT id FROM parts")}
