"""A folder that one process, with its children, has for itself."""

import fcntl
import os
import time
from pathlib import Path

from tuneq_shared.errors import ConflictError

OWNER_WAIT_S = 0.5  # a process that was just killed needs a moment to be gone
LOOK_INTERVAL_S = 0.02


class FolderLock:
    """Two flocks on files in the folder, which the kernel drops with their last holder.

    `owner.lock` is this process's alone: who finds it taken is refused. `lock` belongs to every
    child that inherits its descriptor, too: a child that writes to the folder keeps it until it has
    ended, even where its parent was killed. Who finds only that one taken waits for the child.

    Attributes:
        fd: the descriptor to pass to children that write to the folder.
    """

    def __init__(self, folder: Path, *, wait_s: float = 0.0) -> None:
        """Lock the folder.

        Args:
            folder: exists.
            wait_s: seconds to wait for children of a process that is gone.

        Raises:
            ConflictError: another process has it, or such children do not end.
        """
        self._owner = _open(folder / "owner.lock")
        self.fd = _open(folder / "lock")
        if not (_lock(self._owner, OWNER_WAIT_S) and _lock(self.fd, wait_s)):
            owner = os.pread(self._owner, 32, 0).decode().strip() or "unknown"
            self.release()
            raise ConflictError(
                f"{folder} is in use by another process (pid {owner}) or by its children",
                hint="stop that one first, or choose another folder",
            )
        os.ftruncate(self._owner, 0)
        os.pwrite(self._owner, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Give it up; children that inherited it still hold it."""
        os.close(self.fd)
        os.close(self._owner)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _lock(descriptor: int, wait_s: float) -> bool:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOOK_INTERVAL_S)
        else:
            return True
