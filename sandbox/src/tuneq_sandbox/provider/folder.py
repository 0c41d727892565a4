"""The provider's folder: contents by digest, parts of uploads, trainings."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path


class Folder:
    """Where the bytes lie; what they mean stands in the database."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._contents = root / "contents"
        self._parts = root / "parts"
        self._incoming = root / "incoming"
        self._trainings = root / "trainings"
        for folder in (self._contents, self._parts, self._incoming, self._trainings):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "provider.sqlite"

    def content(self, sha256: str) -> Path:
        """The file with that content."""
        return self._contents / sha256

    def part(self, part_id: str) -> Path:
        """The file of an upload's part."""
        return self._parts / part_id

    def training(self, key: str) -> Path:
        """The file of a training; there once it was done."""
        return self._trainings / f"{key}.npz"

    def new_incoming(self) -> Path:
        """A new empty temporary file; swept away at the next start if it is left."""
        handle, name = tempfile.mkstemp(dir=self._incoming)
        os.close(handle)
        return Path(name)

    def keep_part(self, received: Path, part_id: str) -> None:
        """Make a received file a part."""
        received.replace(self.part(part_id))

    def keep(self, received: Path) -> tuple[str, int]:
        """Make a received file a content; gives its digest and length."""
        with received.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = received.stat().st_size
        received.replace(self.content(sha256))
        return sha256, size

    def join(self, part_ids: Iterable[str]) -> Path:
        """The parts one after the other in a temporary file."""
        path = self.new_incoming()
        with path.open("wb") as whole:
            for part_id in part_ids:
                with self.part(part_id).open("rb") as part:
                    shutil.copyfileobj(part, whole)
        return path

    def keep_bytes(self, content: bytes) -> tuple[str, int]:
        """Write bytes as a content; gives its digest and length."""
        path = self.new_incoming()
        path.write_bytes(content)
        return self.keep(path)

    def drop_content(self, sha256: str) -> None:
        """Delete a content that no file and no unfinished job needs."""
        self.content(sha256).unlink(missing_ok=True)

    def drop_parts(self, part_ids: Iterable[str]) -> None:
        """Delete parts."""
        for part_id in part_ids:
            self.part(part_id).unlink(missing_ok=True)

    def sweep(self, contents: set[str], parts: set[str]) -> None:
        """At start: delete what a killed server left behind, keep what is named."""
        for path in self._incoming.iterdir():
            path.unlink()
        for path in self._trainings.glob(".training-*"):
            path.unlink()
        for path in self._contents.iterdir():
            if path.name not in contents:
                path.unlink()
        for path in self._parts.iterdir():
            if path.name not in parts:
                path.unlink()


def training_key(*facts: object) -> str:
    """A digest of all that a training depends on."""
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
