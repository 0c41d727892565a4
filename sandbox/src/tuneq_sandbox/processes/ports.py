"""Ports on the loopback interface."""

import random
import socket
from collections.abc import Callable
from typing import TypeVar

from tuneq_sandbox.processes.child import ChildFailedError
from tuneq_shared.errors import ConflictError

LOOPBACK = "127.0.0.1"
# Below what Linux and macOS give to outgoing connections: a client that tries again and again to
# reach a port in that range, while its server is down, may end up connected to itself.
CHOICE = range(20_000, 32_000)
ATTEMPTS = 20

T = TypeVar("T")


def is_free(port: int) -> bool:
    """Whether a server could listen there at this moment."""
    with socket.socket() as probe:
        # As servers do: connections of a former server that linger are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def start_on_free_port(
    start: Callable[[int], T], *, favourite: int | None, only: bool = False
) -> tuple[int, T]:
    """Start a server on the favourite port, or on a random one where that is taken.

    No port is reserved in advance: a server that lost its port to another between the look and
    its start is started again on the next.

    Args:
        start: starts the server on a port and waits until it serves.
        favourite: the port to try first.
        only: no other port will do.

    Returns:
        The port, and what `start` returned.

    Raises:
        ConflictError: none of the ports tried is free.
        ChildFailedError: the server failed for another reason.
    """
    candidates = [favourite] if favourite else []
    if not only:
        candidates += random.sample(CHOICE, ATTEMPTS)
    for port in candidates:
        if not is_free(port):
            continue
        try:
            return port, start(port)
        except ChildFailedError:
            if is_free(port):
                raise
    raise ConflictError(
        f"no free port on {LOOPBACK}; tried: {', '.join(map(str, candidates))}",
        hint="choose another one",
    )
