"""The Lua scripts: read from the package, with the legal transitions put before them as data."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from redis import Redis
from redis.commands.core import Script

from tuneq_shared.domain.item import Kind
from tuneq_shared.domain.lifecycle import REVIVALS, TRANSITIONS, Transitions

NAMES = (
    "create", "due", "due_shards", "claim", "renew", "save", "commit",
    "wake", "ask", "join", "leave", "revive", "read", "forget", "restore", "unneeded",
    "watched", "in_line", "observe",
)  # fmt: skip


def _rules(name: str, tables: Mapping[Kind, Transitions]) -> str:
    rows = (
        f"['{kind.value}:{stage}']=' {' '.join(sorted(to))} '"
        for kind, table in tables.items()
        for stage, to in table.items()
    )
    return f"local {name}={{{','.join(rows)}}}\n"


@cache
def _texts() -> Mapping[str, str]:
    folder = files("tuneq_shared.redis_store") / "scripts"
    before = (
        _rules("LEGAL", TRANSITIONS)
        + _rules("REVIVE", REVIVALS)
        + (folder / "library.lua").read_text("utf-8")
    )
    return {name: before + (folder / f"{name}.lua").read_text("utf-8") for name in NAMES}


def load_scripts(client: Redis) -> dict[str, Script]:
    """Every script by its name, ready to be called with `args` that begin with the key prefix."""
    return {name: client.register_script(text) for name, text in _texts().items()}


def argument(value: object) -> str | bytes | int:
    """A value as a script is given it."""
    return value if isinstance(value, bytes | int) else str(value)
