"""Manifests by their suffix. JSONL and CSV are streamed; YAML and TOML are read whole."""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tuneq_producer.manifest.csv_rows import read_csv
from tuneq_producer.manifest.row import Row
from tuneq_producer.prepare.files import read_lines, reading
from tuneq_shared.data.codes import Problem
from tuneq_shared.data.lines import read_json_lines
from tuneq_shared.errors import InvalidInputError


def read_manifest(path: Path) -> Iterator[Row]:
    """The rows of a manifest: .jsonl, .csv (each also .gz), .yaml, .yml or .toml.

    Raises:
        InvalidInputError: the file cannot be read, or not as what its suffix says.
    """
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    reader = _READERS.get(suffix.lower())
    if reader is None:
        raise InvalidInputError(
            f"{path} is no manifest by its suffix", hint="name it .jsonl, .csv, .yaml or .toml"
        )
    return reader(path)


def _jsonl(path: Path) -> Iterator[Row]:
    number = 0
    for line, value in read_json_lines(read_lines(path)):
        if isinstance(value, Problem):
            if value.is_error:
                number += 1
                yield Row(_place(number, path, line), None, value.message)
            continue
        number += 1
        yield Row(_place(number, path, line), value)


def _csv(path: Path) -> Iterator[Row]:
    for number, (line, value, fault) in enumerate(read_csv(path), 1):
        yield Row(_place(number, path, line), value, fault)


def _yaml(path: Path) -> Iterator[Row]:
    with reading(path) as stream:
        try:
            loader = yaml.SafeLoader(stream)
            root = loader.get_single_node()
            if not isinstance(root, yaml.SequenceNode):
                raise InvalidInputError(
                    f"{path}: not a list of requests", hint="begin each request with a dash"
                )
            for number, node in enumerate(root.value, 1):
                place = _place(number, path, node.start_mark.line + 1)
                yield Row(place, loader.construct_document(node))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            words = " ".join(str(error).split())
            raise InvalidInputError(f"{path} is not YAML: {words}") from error


def _toml(path: Path) -> Iterator[Row]:
    with reading(path) as stream:
        try:
            document: dict[str, Any] = tomllib.load(stream)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"{path} is not TOML: {error}") from error
    requests = document.pop("request", None)
    if document or not isinstance(requests, list):
        strange = f": unknown key {next(iter(document))}" if document else ""
        raise InvalidInputError(
            f"{path} holds something else than [[request]] tables{strange}",
            hint="begin each request with a line [[request]]",
        )
    for number, value in enumerate(requests, 1):
        yield Row(f"{path}: row {number}", value)


def _place(number: int, path: Path, line: int) -> str:
    return f"{path}:{line}: row {number}"


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".toml": _toml,
}
