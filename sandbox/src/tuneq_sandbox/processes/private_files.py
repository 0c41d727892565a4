"""Files and folders that only this user may read."""

import os
import secrets
from pathlib import Path

KEY_BYTES = 24


def private_folder(folder: Path) -> Path:
    """Create the folder where it is missing, close it to others; returns its absolute path."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder.resolve()


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step by one that only this user may read."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def kept_secret(path: Path) -> str:
    """The random secret that is kept in the file; made at the first call."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(KEY_BYTES) + "\n")
    return path.read_text(encoding="utf-8").strip()
