"""The embedded server's configuration file."""

from pathlib import Path

from tuneq_sandbox.processes.ports import LOOPBACK


def server_configuration(*, folder: Path, port: int, password: str) -> str:
    """For a server that only this machine reaches, that keeps its data and forgets nothing.

    Args:
        folder: where the append-only file lives, absolute.
        port: on the loopback interface.
        password: of the default user.
    """
    settings = {
        "bind": LOOPBACK,
        "port": str(port),
        "protected-mode": "yes",
        "requirepass": _quoted(password),
        "dir": _quoted(str(folder)),
        "daemonize": "no",
        "logfile": '""',  # standard output
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',  # the append-only file has everything
        "maxmemory-policy": "noeviction",
        "tcp-keepalive": "60",
    }
    return "".join(f"{key} {value}\n" for key, value in settings.items())


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
