"""Looking again and again until something has happened or a timeout has passed."""

import time
from collections.abc import Iterator

from tuneq_shared.errors import TimeoutPassedError

sleep = time.sleep
monotonic = time.monotonic


def looks(interval_s: float, timeout_s: float | None, awaited: str) -> Iterator[None]:
    """Yield at once, and then after every interval.

    Args:
        interval_s: seconds between two looks.
        timeout_s: seconds after which to give up; there is always a look, and one at the end.
        awaited: what is waited for, for the error.

    Raises:
        TimeoutPassedError: the timeout has passed.
    """
    begun = monotonic()
    while True:
        yield
        if timeout_s is None:
            sleep(interval_s)
            continue
        left = timeout_s - (monotonic() - begun)
        if left <= 0:
            raise TimeoutPassedError(
                f"waited {timeout_s:g} s for {awaited} to end",
                hint="the work goes on; look with `tuneq ls`, or wait again",
            )
        sleep(min(interval_s, left))
