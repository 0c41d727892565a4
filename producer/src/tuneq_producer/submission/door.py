"""The door of this machine's user: it alone takes plain paths, and stages what they name."""

import zlib
from collections.abc import Iterator
from pathlib import Path

from tuneq_producer.prepare.files import read_lines
from tuneq_shared.data.digest import sha256_of_stream
from tuneq_shared.data_root import DataRoot, open_local
from tuneq_shared.errors import InvalidInputError
from tuneq_shared.intake.doors import require_readable
from tuneq_shared.references import LocalPath, Reference, StagedFile, parse_reference


class ClientDoor:
    """Names local files by their digest, reading each once; copies nothing before `stage`."""

    def __init__(self, data: DataRoot, folder: Path) -> None:
        """Open the door.

        Args:
            data: the data root.
            folder: what relative paths are relative to.
        """
        self._data = data
        self._folder = folder
        self._admitted: dict[Reference, Reference] = {}
        self._paths: dict[StagedFile, Path] = {}

    def admit(self, reference: Reference) -> Reference:
        """The file as it will be known once it is staged."""
        admitted = self._admitted.get(reference)
        if admitted is None:
            if isinstance(reference, LocalPath):
                admitted = self._digested(reference)
            else:
                require_readable(reference, self._data)
                admitted = reference
            self._admitted[reference] = admitted
        return admitted

    def shown(self, reference: str) -> str:
        """How the user knows an admitted file."""
        path = self._path(reference)
        return reference if path is None else str(path)

    def lines(self, reference: str) -> Iterator[bytes]:
        """The lines of an admitted file.

        Raises:
            InvalidInputError: it cannot be read.
        """
        path = self._path(reference)
        if path is not None:
            yield from read_lines(path)
            return
        with self._data.open(parse_reference(reference)) as file:
            yield from file

    def stage(self) -> None:
        """Copy every local file that was admitted under the data root.

        Raises:
            InvalidInputError: a file has changed since it was admitted.
            DataRootError: the root cannot be written.
        """
        for staged, path in self._paths.items():
            if self._data.stage(path) != staged:
                raise InvalidInputError(
                    f"{path} changed while it was submitted", hint="submit it again"
                )

    def _path(self, reference: str) -> Path | None:
        known = parse_reference(reference)
        return self._paths.get(known) if isinstance(known, StagedFile) else None

    def _digested(self, reference: LocalPath) -> StagedFile:
        path = self._folder / Path(reference.path).expanduser()
        try:
            with open_local(path) as file:
                staged = StagedFile(sha256_of_stream(file))
        except (OSError, EOFError, zlib.error, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InvalidInputError(
                f"{path} cannot be read: {reason}",
                hint="correct the path, or name a staged file as sha256:, data: or a URI under an "
                "allowed root",
            ) from error
        self._paths.setdefault(staged, path)
        return staged
