"""The data root: whole files or none, nothing outside, one root for all."""

import gzip
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tuneq_shared.data_root import DataRoot, staged_path
from tuneq_shared.errors import DataRootError, InvalidInputError, NotFoundError
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.fleet import RedisFleet
from tuneq_shared.references import DataFile, ProviderFile, StagedFile, UriFile, parse_reference


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    (tmp_path / "elsewhere").mkdir()
    return DataRoot(str(tmp_path / "root"), [str(tmp_path / "elsewhere")])


def _put(path: Path, text: str = "x\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_what_is_written_can_be_read(root: DataRoot, tmp_path: Path) -> None:
    with root.write("a/b.txt") as file:
        file.write(b"words")
    with root.read("a/b.txt") as file:
        assert file.read() == b"words"
    assert root.exists("a/b.txt")
    assert [p.name for p in (tmp_path / "root/a").iterdir()] == ["b.txt"]


@pytest.mark.parametrize("url", ["{folder}/root", "memory://{folder}/root"])
def test_what_lies_in_a_folder_is_listed(url: str, tmp_path: Path) -> None:
    root = DataRoot(url.format(folder=tmp_path))
    assert root.names("a") == []
    for name in ("a/b.txt", "a/c.txt", "d.txt"):
        with root.write(name) as file:
            file.write(b"words")
    assert sorted(root.names("a")) == ["b.txt", "c.txt"]


def test_a_block_that_fails_leaves_nothing(root: DataRoot, tmp_path: Path) -> None:
    def fail_half_way() -> None:
        with root.write("a.txt") as file:
            file.write(b"half")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail_half_way()
    assert not list((tmp_path / "root").iterdir())


def test_a_writer_killed_half_way_leaves_no_file_of_that_name(tmp_path: Path) -> None:
    code = (
        "import os, signal\n"
        "from tuneq_shared.data_root import DataRoot\n"
        f"with DataRoot({str(tmp_path)!r}).write('a.txt') as file:\n"
        "    file.write(b'half')\n"
        "    file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not DataRoot(str(tmp_path)).exists("a.txt")


def test_staging_names_a_file_by_its_content(root: DataRoot, tmp_path: Path) -> None:
    plain = _put(tmp_path / "plain.jsonl", "line\n")
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(b"line\n"))
    assert root.stage(plain) == root.stage(packed) == root.stage(plain)
    with root.open(root.stage(plain)) as file:
        assert file.read() == b"line\n"


def test_staging_what_is_not_there(root: DataRoot, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="cannot be read"):
        root.stage(tmp_path / "nothing.jsonl")


def test_forms_of_references_are_opened(root: DataRoot, tmp_path: Path) -> None:
    _put(tmp_path / "root/kept/a.jsonl", "kept")
    outside = _put(tmp_path / "elsewhere/b.jsonl", "outside")
    with root.open(DataFile("kept/a.jsonl")) as file:
        assert file.read() == b"kept"
    with root.open(UriFile(f"file://{outside}")) as file:
        assert file.read() == b"outside"


@pytest.mark.parametrize(
    "text",
    [
        "data:../secret",
        "data:/etc/passwd",
        "data:a/../../b",
        "data:",
        "data:a\0b",
        "sha256:../../etc/passwd",
        "sha256:abc",
        "sha256:" + "A" * 64,
    ],
)
def test_a_reference_that_leads_out_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_reference(text)


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd",
        "http://127.0.0.1:1/x",
        "s3://bucket/key",
        "file://{root}/../secret.jsonl",
        "file://{root}-not/secret.jsonl",
        "{root}/b.jsonl",
    ],
)
def test_a_uri_outside_the_allowed_roots_is_refused(
    root: DataRoot, tmp_path: Path, uri: str
) -> None:
    _put(tmp_path / "elsewhere-not/secret.jsonl")
    _put(tmp_path / "secret.jsonl")
    with pytest.raises(InvalidInputError):
        root.open(parse_reference(uri.format(root=tmp_path / "elsewhere")))


def test_a_link_that_leads_out_is_refused(root: DataRoot, tmp_path: Path) -> None:
    secret = _put(tmp_path / "secret.txt")
    for folder in ("root", "elsewhere"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "link").symlink_to(secret)
    with pytest.raises(InvalidInputError, match="link"):
        root.open(DataFile("link"))
    with pytest.raises(InvalidInputError, match="link"):
        root.open(UriFile(f"file://{tmp_path}/elsewhere/link"))


def test_what_cannot_be_read_here(root: DataRoot) -> None:
    with pytest.raises(NotFoundError):
        root.open(StagedFile("0" * 64))
    with pytest.raises(InvalidInputError, match="provider"):
        root.open(ProviderFile("file-abc"))
    with pytest.raises(InvalidInputError, match="plain path"):
        root.open(parse_reference("train.jsonl"))


def test_one_redis_knows_one_root(tmp_path: Path, redis_url: str, store_prefix: str) -> None:
    fleet = RedisFleet(connect(redis_url), store_prefix)
    first = DataRoot(str(tmp_path / "one"))
    first.settle(fleet)
    DataRoot(str(tmp_path / "one")).settle(fleet)
    with pytest.raises(DataRootError, match="not the one"):
        DataRoot(str(tmp_path / "two")).settle(fleet)


def test_a_root_that_cannot_be_written(tmp_path: Path, redis_url: str, store_prefix: str) -> None:
    _put(tmp_path / "file")
    blocked = DataRoot(str(tmp_path / "file" / "root"))
    with pytest.raises(DataRootError, match="cannot be written"):
        blocked.settle(RedisFleet(connect(redis_url), store_prefix))
    with pytest.raises(DataRootError, match="cannot be written"), blocked.write("a"):
        pass


def test_other_users_may_read_what_was_staged(root: DataRoot, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        staged = root.stage(_put(tmp_path / "a.jsonl"))
    finally:
        os.umask(before)
    assert (tmp_path / "root" / staged_path(staged.digest)).stat().st_mode & 0o044 == 0o044


def test_a_file_that_changes_while_it_is_staged_does_not_appear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(b"first\n")
    readings = [b"first\n", b"second\n"]
    monkeypatch.setattr("tuneq_shared.data_root.open_local", lambda _: io.BytesIO(readings.pop(0)))
    root = tmp_path / "root"
    with pytest.raises(InvalidInputError, match="changed while"):
        DataRoot(str(root)).stage(path)
    assert not [found for found in root.rglob("*") if found.is_file()]
