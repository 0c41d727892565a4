"""A reader of requests that is killed with -9 just before or after it settles.

Started as a process: URL, prefix, folder, before|after.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.worker.doors_site import Site


class Mortal:
    """A stream whose `settle` is deadly."""

    def __init__(self, stream: Any, moment: str) -> None:
        self._stream = stream
        self._moment = moment

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def settle(self, *args: Any) -> None:
        if self._moment == "after":
            self._stream.settle(*args)
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    url, prefix, folder, moment = sys.argv[1:]
    site = Site(url, prefix, Path(folder))
    site.take_all(site.taker("victim", stream=Mortal(site.taker("victim").stream, moment)))
