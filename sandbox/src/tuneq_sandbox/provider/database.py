"""The provider's SQLite file: tables and transactions."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tuneq_shared.errors import ConflictError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, filename TEXT NOT NULL,
    purpose TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
    created_at REAL NOT NULL, processed_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS files_content ON files (sha256);
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, filename TEXT NOT NULL, purpose TEXT NOT NULL, bytes INTEGER NOT NULL,
    created_at REAL NOT NULL, expires_at REAL NOT NULL, status TEXT NOT NULL, file TEXT
);
CREATE TABLE IF NOT EXISTS parts (
    id TEXT PRIMARY KEY, upload TEXT NOT NULL, bytes INTEGER NOT NULL, created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, model TEXT NOT NULL,
    created_at REAL NOT NULL, active INTEGER NOT NULL, document BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_active ON jobs (model) WHERE active;
CREATE TABLE IF NOT EXISTS job_metadata (
    key TEXT NOT NULL, value TEXT NOT NULL, job INTEGER NOT NULL, PRIMARY KEY (key, value, job)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batches (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, created_at REAL NOT NULL,
    active INTEGER NOT NULL, document BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, job TEXT NOT NULL,
    created_at REAL NOT NULL, level TEXT NOT NULL, message TEXT NOT NULL, type TEXT NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of ON events (job, seq);
CREATE TABLE IF NOT EXISTS models (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, job TEXT NOT NULL,
    created_at REAL NOT NULL, training TEXT NOT NULL, checkpoint INTEGER NOT NULL,
    final INTEGER NOT NULL, checkpoint_id TEXT NOT NULL, step INTEGER NOT NULL,
    metrics BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS deployments (
    id TEXT NOT NULL, name TEXT NOT NULL, model TEXT NOT NULL, created_at REAL NOT NULL,
    ready_at REAL NOT NULL, removed_at REAL
);
CREATE UNIQUE INDEX IF NOT EXISTS deployments_standing ON deployments (id)
    WHERE removed_at IS NULL;
CREATE INDEX IF NOT EXISTS models_of ON models (job, seq);
"""


class Database:
    """One connection, held by one process: a second server on the folder is refused."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=1.0)
        self._connection.row_factory = sqlite3.Row
        try:
            # Exclusive: the lock goes with the process, even when it is killed.
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            # A killed process loses nothing that was written, only a power cut could.
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            self._connection.close()
            if "locked" not in str(error):
                raise
            raise ConflictError(
                f"another provider is running on {path.parent}",
                hint="stop it, or give another --dir",
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block's changes are written, or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query."""
        found: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return found

    def close(self) -> None:
        """Write the journal back and let go of the file."""
        self._connection.close()
