"""The two shapes in which ScienceQA is handed on: the official release, and JSONL files."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson

from tuneq_producer.prepare.files import read_lines, reading
from tuneq_producer.prepare.scienceqa_record import Record, parse_lines, parse_splits
from tuneq_shared.data.codes import Problem
from tuneq_shared.data.lines import batches, read_json_lines
from tuneq_shared.errors import InvalidInputError

USUAL_SPLITS = ("train", "val", "test")
_LINE_FILE = "scienceqa_text_{}.jsonl"


class ProblemSource(Protocol):
    """Somewhere that problems are read from, split by split."""

    @property
    def splits(self) -> list[str]:
        """The names of the splits that are there."""
        ...

    def records(self, split: str) -> Iterator[Record]:
        """The problems of a split, in their order.

        Raises:
            InvalidInputError: a problem is malformed.
        """
        ...


def open_source(path: Path) -> ProblemSource:
    """The source at a path: a folder of either shape, or one JSONL file, plain or gzipped.

    Raises:
        InvalidInputError: nothing of either shape is there.
    """
    if (path / "problems.json").is_file():
        return OfficialRelease(path)
    if path.is_dir():
        names = {
            split: found
            for split in USUAL_SPLITS
            for found in (path / _LINE_FILE.format(split), path / f"{_LINE_FILE.format(split)}.gz")
            if found.is_file()
        }
        if names:
            return LineFiles(names)
    elif path.name.endswith((".jsonl", ".jsonl.gz")):
        return LineFiles(dict.fromkeys(sorted(_splits(path), key=_usual_first), path))
    raise InvalidInputError(
        f"no ScienceQA at {path}",
        hint="name a folder with problems.json and pid_splits.json, a folder with "
        "scienceqa_text_<split>.jsonl.gz, or one .jsonl or .jsonl.gz file of problems",
    )


class OfficialRelease:
    """`problems.json`, an object by problem id, and `pid_splits.json`, the ids of each split."""

    def __init__(self, folder: Path) -> None:
        self._problems_path = folder / "problems.json"
        self._problems = _json_object(self._problems_path)
        self._ids = _json_object(folder / "pid_splits.json")

    @property
    def splits(self) -> list[str]:
        """All that `pid_splits.json` names."""
        return sorted(self._ids, key=_usual_first)

    def records(self, split: str) -> Iterator[Record]:
        """In the order of `pid_splits.json`."""
        for problem_id in self._ids[split]:
            place = f"{self._problems_path}: problem {problem_id}"
            if problem_id not in self._problems:
                raise InvalidInputError(
                    f"{place} is missing", hint="download the release again: its files differ"
                )
            yield _parse_record(self._problems[problem_id], place)


class LineFiles:
    """JSONL files, one problem a line with its `split`; several splits may share a file."""

    def __init__(self, files: dict[str, Path]) -> None:
        self._files = files

    @property
    def splits(self) -> list[str]:
        """Those with a file."""
        return list(self._files)

    def records(self, split: str) -> Iterator[Record]:
        """In the order of the file."""
        path, first = self._files[split], 1
        for lines in batches(read_lines(path)):
            records = parse_lines(lines)
            if records is None:
                yield from _judged(path, lines, first, split)
            else:
                yield from [record for record in records if record.split == split]
            first += len(lines)


def _splits(path: Path) -> set[str]:
    found: set[str] = set()
    first = 1
    for lines in batches(read_lines(path)):
        splits = parse_splits(lines)
        if splits is None:
            splits = {_split_of(value, place) for place, value in _objects(path, lines, first)}
        found |= splits
        first += len(lines)
    return found


def _judged(path: Path, lines: Sequence[bytes], first: int, split: str) -> Iterator[Record]:
    """The problems of lines of which some are not quite so."""
    for place, value in _objects(path, lines, first):
        if _split_of(value, place) == split:
            yield _parse_record(value, place)


def _objects(path: Path, lines: Iterable[bytes], first: int) -> Iterator[tuple[str, Any]]:
    for number, value in read_json_lines(lines, first):
        place = f"{path}:{number}"
        if not isinstance(value, Problem):
            yield place, value
        elif value.is_error:
            raise InvalidInputError(f"{place}: {value.message}", hint="correct the line")


def _parse_record(value: Any, place: str) -> Record:
    # Imported here: most files need no more than their lines decoded.
    from tuneq_producer.prepare.scienceqa_value import parse_record  # noqa: PLC0415 - see above

    return parse_record(value, place)


def _split_of(value: Any, place: str) -> str:
    split = value.get("split") if isinstance(value, dict) else None
    if not isinstance(split, str):
        raise InvalidInputError(
            f"{place}: the problem names no split", hint='add "split": "train" or another'
        )
    return split


def _json_object(path: Path) -> dict[str, Any]:
    with reading(path) as stream:
        content = stream.read()
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidInputError(f"{path} is not a JSON object", hint="it is not of the release")
    return value


def _usual_first(split: str) -> tuple[int, str]:
    return (USUAL_SPLITS.index(split) if split in USUAL_SPLITS else len(USUAL_SPLITS), split)
