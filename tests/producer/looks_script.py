"""What happens between two looks of a command that polls, in place of a pause."""

from collections.abc import Callable, Iterable

import pytest

from tuneq_producer.views import polling

Step = Callable[[], object]


def play(monkeypatch: pytest.MonkeyPatch, steps: Iterable[Step]) -> list[float]:
    """Take the next step at every pause; the pauses are noted. No step is left: it looks for ever.

    The clock goes on by the pauses alone.
    """
    left, pauses = iter(steps), [0.0]

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        step = next(left, None)
        assert step is not None, "the command goes on looking though nothing will happen any more"
        step()

    monkeypatch.setattr(polling, "sleep", sleep)
    monkeypatch.setattr(polling, "monotonic", lambda: sum(pauses))
    return pauses
