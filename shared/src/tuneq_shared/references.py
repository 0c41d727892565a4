"""How a request may name a file: the forms, and which of them name something that may be read."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from tuneq_shared.errors import InvalidInputError

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PROVIDER_FILE = re.compile(r"file-[A-Za-z0-9_-]{1,128}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A dataset under the data root, by the sha256 of its bytes."""

    digest: str

    def __str__(self) -> str:
        return f"sha256:{self.digest}"


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file under the data root, by its relative path."""

    path: str

    def __str__(self) -> str:
        return f"data:{self.path}"


@dataclass(frozen=True, slots=True)
class UriFile:
    """A file elsewhere, to be read only under an allowed root."""

    uri: str

    def __str__(self) -> str:
        return self.uri


@dataclass(frozen=True, slots=True)
class ProviderFile:
    """A file that the provider has already; it cannot be read here."""

    file_id: str

    def __str__(self) -> str:
        return self.file_id


@dataclass(frozen=True, slots=True)
class LocalPath:
    """A path on the machine of whoever submits; it is staged before a request is stored."""

    path: str


Reference = StagedFile | DataFile | UriFile | ProviderFile | LocalPath


@lru_cache(maxsize=1024)  # thousands of requests name the same few files
def parse_reference(text: str) -> Reference:
    """Tell the forms apart.

    Raises:
        InvalidInputError: a digest that is none, a path that leads out of the data root.
    """
    if text.startswith("sha256:"):
        digest = text.removeprefix("sha256:")
        if not _DIGEST.fullmatch(digest):
            raise InvalidInputError(
                f"{text!r} is not a sha256 digest", hint="write sha256: and 64 hex digits"
            )
        return StagedFile(digest)
    if text.startswith("data:"):
        return DataFile(inner_path(text.removeprefix("data:")))
    if _SCHEME.match(text):
        return UriFile(text)
    if _PROVIDER_FILE.fullmatch(text):
        return ProviderFile(text)
    return LocalPath(text)


def inner_path(text: str) -> str:
    """A relative path that stays inside its root, in its plainest form.

    Raises:
        InvalidInputError: it is absolute, empty, or climbs out.
    """
    path = PurePosixPath(text)
    climbs = path.is_absolute() or ".." in path.parts
    if not path.parts or climbs or "\\" in text or "\0" in text:
        raise InvalidInputError(
            f"{text!r} does not name a file under the data root",
            hint="give a relative path without '..'",
        )
    return str(path)


def is_at_provider(text: str) -> bool:
    """Whether a request's file is the provider's own."""
    return isinstance(parse_reference(text), ProviderFile)
