"""A folder that appears whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from tuneq_shared.errors import InvalidInputError

MARK = "export.json"
"""The file by which an export is known."""

_MARKED = {"target", "exported_at", "tuneq"}
_FILES = {MARK, "requests.jsonl", "runs.jsonl", "report.json"}
_FOLDERS = {"csv", "parquet"}  # whose files end so


@contextmanager
def replacing_folder(path: Path, *, force: bool) -> Iterator[Path]:
    """Fill a folder under another name, and give it its own when all is written.

    With `force`, an earlier export gives way. Until its last moment it stays where it is; killed
    right then, both lie beside each other, the earlier one as `.NAME.PID.former`.

    Raises:
        InvalidInputError: there is a folder with something else in it, or an export and `force` is
            off, or it cannot be written.
    """
    refuse_filled(path, force=force)
    draft, former = (
        path.with_name(f".{path.name}.{os.getpid()}.{word}") for word in ("partial", "former")
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.mkdir()
            yield draft
            for file in draft.rglob("*"):
                _settle(file)
            _settle(draft)
            if path.exists():
                path.rename(former)
            draft.rename(path)
            _settle(path.parent)
        finally:
            if former.exists() and not path.exists():
                former.rename(path)
            for leftover in (draft, former):
                shutil.rmtree(leftover, ignore_errors=True)
    except OSError as error:
        raise InvalidInputError(
            f"cannot write {path}: {error.strerror or error}", hint="choose another --out"
        ) from error


def refuse_filled(path: Path, *, force: bool) -> None:
    """Refuse what would be overwritten; with `force`, an earlier export may be.

    Raises:
        InvalidInputError: there is a file, or a folder with something in it.
    """
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not _is_marked(path / MARK):
        raise InvalidInputError(f"{path} exists and is no export", hint="choose another --out")
    if not force:
        raise InvalidInputError(
            f"{path} exists already", hint="choose another --out, or replace it with --force"
        )
    foreign = next((each for each in path.rglob("*") if _is_foreign(each.relative_to(path))), None)
    if foreign is not None:
        raise InvalidInputError(
            f"{foreign} is of no export, and would be deleted with it",
            hint="move it, or choose another --out",
        )


def _is_marked(path: Path) -> bool:
    try:
        mark = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(mark, dict) and mark.keys() >= _MARKED


def _is_foreign(place: Path) -> bool:
    lead, *below = place.parts
    if not below:
        return lead not in _FILES | _FOLDERS
    return lead not in _FOLDERS or (bool(place.suffix) and place.suffix != f".{lead}")


def _settle(path: Path) -> None:
    """Make what was written last."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
