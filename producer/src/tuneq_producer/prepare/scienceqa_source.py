"""The two shapes in which ScienceQA is handed on: the official release, and JSONL files."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import orjson

from tuneq_producer.prepare.files import read_lines, reading
from tuneq_producer.prepare.scienceqa_record import Record, parse_line, parse_record, parse_split
from tuneq_shared.data.codes import Problem
from tuneq_shared.data.lines import read_json_lines
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
            yield parse_record(self._problems[problem_id], place)


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
        path = self._files[split]
        for number, line in enumerate(read_lines(path), 1):
            record = parse_line(line)
            if record is None:
                for place, value in _objects(path, [line], number):
                    if _split_of(value, place) == split:
                        yield parse_record(value, place)
            elif record.split == split:
                yield record


def _splits(path: Path) -> set[str]:
    found: set[str] = set()
    for number, line in enumerate(read_lines(path), 1):
        if (split := parse_split(line)) is not None:
            found.add(split)
        else:
            found.update(_split_of(value, place) for place, value in _objects(path, [line], number))
    return found


def _objects(path: Path, lines: Iterable[bytes], first: int) -> Iterator[tuple[str, Any]]:
    for number, value in read_json_lines(lines, first):
        place = f"{path}:{number}"
        if not isinstance(value, Problem):
            yield place, value
        elif value.is_error:
            raise InvalidInputError(f"{place}: {value.message}", hint="correct the line")


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
