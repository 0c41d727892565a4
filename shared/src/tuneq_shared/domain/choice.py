"""What an operator decides about the jobs that may be a held run's."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of its candidates a run adopts, and which it disowns; neither is to look again."""

    adopts: str = ""  # a job
    disowns: tuple[str, ...] = ()  # jobs, as the operator saw them
