"""What the server did since its start, for tests and for the curious."""

from collections import Counter
from typing import Any


class Stats:
    """Counts; a restart begins anew."""

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._faults: Counter[str] = Counter()
        self._most_active: dict[str, int] = {}
        self._trainings = 0

    def answered(self, route: str, status: int) -> None:
        """A request came to its end; the status is the one that was meant to be sent."""
        self._requests[route] += 1
        self._statuses[status] += 1

    def struck(self, kind: str) -> None:
        """A fault hit a request."""
        self._faults[kind] += 1

    def active(self, model: str, jobs: int) -> None:
        """So many jobs of a base model are active now."""
        self._most_active[model] = max(jobs, self._most_active.get(model, 0))

    def trained(self) -> None:
        """A training was really done, not taken from an equal one."""
        self._trainings += 1

    def describe(self) -> dict[str, Any]:
        """All counts as JSON."""
        return {
            "requests": dict(self._requests),
            "statuses": {str(status): count for status, count in self._statuses.items()},
            "faults": dict(self._faults),
            "answers_lost": self._faults["lost_answer"],
            "rate_limited": self._statuses[429],
            "max_active_jobs": self._most_active,
            "trainings": self._trainings,
        }
