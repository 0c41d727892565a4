"""Datasets: what was announced, and whether its bytes have come."""

from dataclasses import dataclass, replace
from typing import Any

from tuneq_sandbox.provider.errors import ApiError
from tuneq_sandbox.provider.faces.fireworks.errors import UNTIMELY
from tuneq_sandbox.provider.faces.fireworks.names import full, moment
from tuneq_sandbox.provider.file_store import FileRecord, new_file
from tuneq_sandbox.provider.state import State

_UNCHECKED = ".unchecked"  # behind the id of bytes that were sent to a signed address
_ANNOUNCED = "announced"  # the status of its row among the uploads


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset."""

    id: str
    name: str  # the one shown
    created_at: float
    file: FileRecord | None

    def as_api(self, now: float) -> dict[str, Any]:
        """The dataset object; `exampleCount` is a text, as 64-bit numbers are."""
        is_ready = self.file is not None and self.file.is_processed(now)
        return {
            "name": full("datasets", self.id),
            "displayName": self.name,
            "createTime": moment(self.created_at),
            "state": "READY" if is_ready else "UPLOADING",
            "status": {"code": "OK", "message": ""},
            "exampleCount": "0",
            "userUploaded": {},
            "format": "CHAT",
            "createdBy": "somebody@example.com",
            "updateTime": moment(self.created_at),
        }


def announce(state: State, dataset_id: str, name: str, now: float) -> None:
    """Note a new dataset without bytes.

    Raises:
        ApiError: 409, there is one of that id.
    """
    if _row(state, dataset_id) is not None:
        raise ApiError(409, f"dataset {full('datasets', dataset_id)} already exists")
    with state.database.transaction() as write:
        values = (dataset_id, name, "fine-tune", 0, now, now, _ANNOUNCED, None)
        write.execute("INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def find(state: State, dataset_id: str) -> Dataset | None:
    """The dataset, if there is one."""
    row = _row(state, dataset_id)
    if row is None:
        return None
    file = state.files.find(dataset_id)
    return Dataset(row["id"], row["filename"], row["created_at"], file)


def get(state: State, dataset_id: str) -> Dataset:
    """The dataset.

    Raises:
        ApiError: 404.
    """
    found = find(state, dataset_id)
    if found is None:
        raise ApiError(404, f"dataset {full('datasets', dataset_id)} not found")
    return found


def get_empty(state: State, dataset_id: str) -> Dataset:
    """The dataset, whose bytes have not come yet.

    Raises:
        ApiError: 404, or 400 where they have.
    """
    found = get(state, dataset_id)
    if found.file is not None:
        raise ApiError(400, f"dataset {dataset_id} has its bytes", kind=UNTIMELY)
    return found


def every(state: State) -> list[Dataset]:
    """All datasets, by id."""
    rows = state.database.rows("SELECT id FROM uploads WHERE status = ? ORDER BY id", _ANNOUNCED)
    return [found for row in rows if (found := find(state, row["id"]))]


def fill(state: State, dataset_id: str, content: tuple[str, int], now: float) -> FileRecord:
    """Its bytes have come: (sha256, length)."""
    dataset = get_empty(state, dataset_id)
    delay = state.config.file_delay_s
    made = new_file(
        filename=dataset.name, purpose="fine-tune", content=content, now=now, delay_s=delay
    )
    record = replace(made, id=dataset_id)
    state.files.add(record)
    return record


def put_aside(state: State, dataset_id: str, content: tuple[str, int], now: float) -> None:
    """Bytes have come to a signed address; nobody has said yet that they are all."""
    get_empty(state, dataset_id)
    state.files.remove(dataset_id + _UNCHECKED)
    made = new_file(filename=dataset_id, purpose="fine-tune", content=content, now=now)
    state.files.add(replace(made, id=dataset_id + _UNCHECKED))


def accept(state: State, dataset_id: str, now: float) -> None:
    """What lies at the signed address is all of it.

    Raises:
        ApiError: 404, or 400 where nothing lies there.
    """
    get_empty(state, dataset_id)
    aside = state.files.find(dataset_id + _UNCHECKED)
    if aside is None:
        raise ApiError(400, f"dataset {dataset_id} has no uploaded file")
    fill(state, dataset_id, (aside.sha256, aside.bytes), now)
    state.files.remove(aside.id)


def remove(state: State, dataset_id: str) -> None:
    """Forget it with its bytes; jobs that started from it go on."""
    dataset = get(state, dataset_id)
    with state.database.transaction() as write:
        write.execute("DELETE FROM uploads WHERE id = ?", (dataset_id,))
    if dataset.file is not None:
        state.files.remove(dataset_id)
        state.release_content(dataset.file.sha256)


def _row(state: State, dataset_id: str) -> Any:
    sql = "SELECT * FROM uploads WHERE id = ? AND status = ?"
    return state.database.row(sql, dataset_id, _ANNOUNCED)
