"""Starts children again that die."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import click

from tuneq_sandbox.processes.child import Child, ChildFailedError, Command, describe_exit

LOOK_INTERVAL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """When a dead child is started again. Times in seconds."""

    first_delay_s: float = 0.5  # doubled with each death in a row
    longest_delay_s: float = 30.0
    steady_after_s: float = 10.0  # one that lived so long did not die at once
    give_up_after: int = 5  # deaths at once, in a row

    def delay_s(self, deaths_in_a_row: int) -> float:
        """Seconds to wait after the n-th death in a row."""
        return min(self.longest_delay_s, self.first_delay_s * 2.0 ** (deaths_in_a_row - 1))


@dataclass(slots=True)
class _Watched:
    command: Command
    child: Child | None  # None while it waits to be started again
    started_at: float
    deaths_in_a_row: int = 0
    start_at: float = 0.0


class Supervisor:
    """Watches children and starts those again that die, until one dies at once again and again.

    Each death and each new start is one line on standard error.
    """

    def __init__(
        self,
        policy: RestartPolicy = RestartPolicy(),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._watched: list[_Watched] = []
        self._closed = threading.Event()
        self._killed = False
        self._ended = threading.Event()
        self._failure: ChildFailedError | None = None
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    @property
    def children(self) -> list[Child]:
        """The children of this moment, in the order in which they came."""
        return [watched.child for watched in self._watched if watched.child is not None]

    def watch(self, child: Child) -> None:
        """Take care of a started child."""
        self._watched.append(_Watched(child.command, child, self._clock()))

    def start(self) -> None:
        """Begin to look after the children, in a thread of its own."""
        self._thread.start()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until it has given up or is closed.

        Raises:
            ChildFailedError: a child died at once too often; with the end of its log.
        """
        self._ended.wait(timeout_s)
        if self._failure is not None:
            raise self._failure

    def close(self) -> list[Child]:
        """Look after nobody any longer; returns the children, dead ones too, running on."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
        return self.children

    def kill(self) -> None:
        """Kill every child at once, and start none again; may be called from a signal handler."""
        # No lock is taken: the handler may have interrupted who holds it.
        self._killed = True
        for child in self.children:
            child.kill()

    def look(self) -> None:
        """One look at every child.

        Raises:
            ChildFailedError: one died at once too often.
        """
        for watched in self._watched:
            if self._killed:
                return
            if watched.child is None:
                if self._clock() >= watched.start_at:
                    self._start_again(watched)
            elif watched.child.returncode is not None:
                end = describe_exit(watched.child.returncode)
                click.echo(
                    f"{watched.command.name} (pid {watched.child.pid}) died with {end}", err=True
                )
                self._count_death(watched, watched.child.obituary())

    def _run(self) -> None:
        try:
            while not (self._closed.wait(LOOK_INTERVAL_S) or self._killed):
                self.look()
        except ChildFailedError as error:
            self._failure = error
        finally:
            self._ended.set()

    def _start_again(self, watched: _Watched) -> None:
        try:
            watched.child = Child(watched.command)
        except (ChildFailedError, OSError) as error:  # the machine may be short of something
            click.echo(f"{watched.command.name} could not be started again: {error}", err=True)
            self._count_death(watched, str(error))
            return
        if self._killed:  # since it was looked at
            watched.child.kill()
        watched.started_at = self._clock()
        click.echo(f"{watched.command.name} was started again (pid {watched.child.pid})", err=True)

    def _count_death(self, watched: _Watched, obituary: str) -> None:
        now = self._clock()
        steady = watched.child is not None and (
            now - watched.started_at >= self._policy.steady_after_s
        )
        watched.child = None
        watched.deaths_in_a_row = 1 if steady else watched.deaths_in_a_row + 1
        if watched.deaths_in_a_row >= self._policy.give_up_after:
            raise ChildFailedError(
                f"{watched.command.name} died {watched.deaths_in_a_row} times in a row; {obituary}",
                hint=f"its log is {watched.command.log}",
            )
        watched.start_at = now + self._policy.delay_s(watched.deaths_in_a_row)
