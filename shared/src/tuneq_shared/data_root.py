"""The one place where datasets and artifacts live, behind fsspec: a directory, s3://, gs://, ..."""

import gzip
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec

from tuneq_shared.data.digest import copy_with_sha256, sha256_of_stream
from tuneq_shared.errors import DataRootError, InvalidInputError, NotFoundError
from tuneq_shared.ports.fleet import Fleet
from tuneq_shared.references import (
    DataFile,
    LocalPath,
    ProviderFile,
    Reference,
    StagedFile,
    UriFile,
    inner_path,
)
from tuneq_shared.room import too_many

_ID_FILE = ".tuneq-root"


class DataRoot:
    """Files by path under the root. A written file appears whole or not at all."""

    def __init__(self, url: str, allowed_roots: Sequence[str] = ()) -> None:
        try:
            self._fs, self._base = fsspec.core.url_to_fs(url, auto_mkdir=True)
        except (ValueError, ImportError) as error:
            raise DataRootError(
                f"data_url {url!r} cannot be used: {error}", hint="correct data_url in tuneq.toml"
            ) from error
        self.url = url
        self._is_local = "file" in self._fs.protocol
        self._allowed = tuple(fsspec.core.url_to_fs(root) for root in allowed_roots)

    def exists(self, path: str) -> bool:
        """Whether there is a file."""
        return bool(self._fs.exists(self._full(path)))

    def names(self, folder: str) -> list[str]:
        """The names of what lies in a folder; none where there is no such folder."""
        full = self._full(folder)
        self._fs.invalidate_cache(full)  # other machines write there, too
        try:
            return [str(path).rpartition("/")[2] for path in self._fs.ls(full, detail=False)]
        except FileNotFoundError:
            return []

    def trim(self, folder: str, room: int) -> None:
        """Delete the oldest files of a folder until the others take at most so many bytes."""
        full = self._full(folder)
        self._fs.invalidate_cache(full)
        for name in too_many(self._fs.ls(full, detail=True), room):
            with suppress(FileNotFoundError):  # another process makes room, too
                self._fs.rm_file(name)

    def read(self, path: str) -> BinaryIO:
        """Open a file under the root for reading.

        Raises:
            NotFoundError: there is none.
        """
        return self._opened(self._fs, self._full(path), f"data:{path}")

    @contextmanager
    def write(self, path: str) -> Iterator[BinaryIO]:
        """Write a file that appears under its name when the block ends well.

        Raises:
            DataRootError: the root cannot be written.
        """
        full = self._full(path)
        # fsspec's own drafts of local files may lie on another disk, and then a move is a copy.
        draft = f"{full}.{uuid.uuid4().hex}.partial"
        try:
            file = self._fs.open(draft if self._is_local else full, "wb", autocommit=self._is_local)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            yield cast("BinaryIO", file)
            if self._is_local:
                file.flush()
                os.fsync(file.fileno())
            file.close()
            if self._is_local:
                Path(draft).replace(full)
                _sync_folder(Path(full).parent)
            else:
                file.commit()
        except BaseException as error:
            file.close()
            if self._is_local:
                Path(draft).unlink(missing_ok=True)
            else:
                file.discard()
            if isinstance(error, OSError):
                raise self._unwritable(error) from error
            raise

    def open(self, reference: Reference) -> BinaryIO:
        """Open what a request names.

        Raises:
            InvalidInputError: it may not be read here, or lies outside the allowed roots.
            NotFoundError: it is not there.
        """
        match reference:
            case StagedFile(digest):
                return self.read(staged_path(digest))
            case DataFile(path):
                return self.read(path)
            case UriFile(uri):
                return self._opened(*self._permitted(uri), uri)
            case ProviderFile(file_id):
                raise InvalidInputError(f"{file_id} lies at the provider and cannot be read here")
            case LocalPath(path):
                raise InvalidInputError(
                    f"a plain path may not be named here: {path}",
                    hint="stage the file with `tuneq submit`, or name it as data:, sha256: or a "
                    "URI under an allowed root",
                )

    def stage(self, path: Path) -> StagedFile:
        """Copy a local file (gunzipped where it ends in .gz) under the root, by its digest.

        Raises:
            InvalidInputError: it cannot be read, or changed meanwhile.
            DataRootError: the root cannot be written.
        """
        try:
            with open_local(path) as source:
                digest = sha256_of_stream(source)
            target = staged_path(digest)
            if not self.exists(target):
                with open_local(path) as source, self.write(target) as copy:
                    if copy_with_sha256(source, copy) != digest:  # then nothing appears there
                        raise InvalidInputError(f"{path} changed while it was read")
        except (OSError, EOFError) as error:
            raise InvalidInputError(f"{path} cannot be read: {error}") from error
        return StagedFile(digest)

    def settle(self, fleet: Fleet) -> None:
        """Make sure that this is the root that Redis knows, or make it that.

        Raises:
            DataRootError: it is another one, or cannot be read and written.
        """
        path = self._full(_ID_FILE)
        try:
            if not self._fs.exists(path):
                self._fs.makedirs(self._base, exist_ok=True)
                self._write_id(path)
            with self._fs.open(path, "rb") as file:
                mine = file.read().decode().strip()
        except OSError as error:
            raise self._unwritable(error) from error
        known = fleet.claim_root(mine)
        if known != mine:
            raise DataRootError(
                f"the data root {self.url} is not the one that this Redis knows",
                hint="give every producer and worker the same data_url; if the root was replaced "
                "on purpose, remove the key <key_prefix>:root from Redis",
            )

    def _write_id(self, path: str) -> None:
        """Whole and once, whoever else starts at this moment: the first one's id counts."""
        new = uuid.uuid4().hex
        try:
            if self._is_local:
                draft = Path(f"{path}.{new}")
                draft.write_text(new)
                try:
                    os.link(draft, path)
                finally:
                    draft.unlink()
            else:
                with self._fs.open(path, "xb") as file:
                    file.write(new.encode())
        except FileExistsError:
            return

    def _full(self, path: str) -> str:
        return f"{self._base}/{inner_path(path)}"

    def _permitted(self, uri: str) -> tuple[Any, str]:
        """The file system and the path of a URI, without opening anything elsewhere."""
        scheme = uri.partition("://")[0]
        for fs, root in self._allowed:
            protocols = (fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol
            if scheme in protocols and ".." not in uri.split("/"):
                full = str(fs._strip_protocol(uri))  # noqa: SLF001 - fsspec's way to read a URI
                if full.startswith(root.rstrip("/") + "/"):
                    return fs, full
        roots = ", ".join(root for _, root in self._allowed) or "none"
        raise InvalidInputError(
            f"{uri} does not lie under an allowed root", hint=f"allowed_roots are: {roots}"
        )

    def _opened(self, fs: Any, full: str, shown: str) -> BinaryIO:
        try:
            if self._climbs_out(fs, full):
                raise InvalidInputError(f"{shown} is a link that leads out of its root")
            return cast("BinaryIO", fs.open(full, "rb"))
        except FileNotFoundError as error:
            raise NotFoundError(f"{shown} is not there") from error

    def _climbs_out(self, fs: Any, full: str) -> bool:
        if "file" not in fs.protocol:
            return False
        real = os.path.realpath(full)
        roots = [self._base, *(root for _, root in self._allowed)]
        return not any(real.startswith(os.path.realpath(root) + os.sep) for root in roots)

    def _unwritable(self, error: OSError) -> DataRootError:
        return DataRootError(
            f"the data root {self.url} cannot be written: {error}",
            hint="correct data_url, or the rights on that folder",
        )


def staged_path(digest: str) -> str:
    """Where a staged dataset lies under the root."""
    return f"datasets/{digest}.jsonl"


def _sync_folder(folder: Path) -> None:
    """Make a file's new name last, as its bytes do."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def open_local(path: Path) -> BinaryIO:
    """Open a local file, gunzipping one that ends in .gz."""
    return cast("BinaryIO", gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb"))
