"""The limiter in one Lua script: all workers see one state, and each turn is atomic."""

from importlib.resources import files
from typing import Any

import orjson
from redis.asyncio import Redis

from tuneq_shared.ports.limits import Granted, Headroom, Permit, Settlement, Told, Turn


def turn_script() -> str:
    """The script's text."""
    folder = files("tuneq_shared.redis_store") / "scripts"
    parts = ("limits_buckets.lua", "limits_turn.lua")
    return "".join((folder / part).read_text("utf-8") for part in parts)


class RedisLimiter:
    """`Limiter` on Redis, for the event loop on which its client is used."""

    def __init__(self, client: Redis, prefix: str, script: str | None = None) -> None:
        self._prefix = prefix
        self._script = client.register_script(script or turn_script())

    async def turn(self, turn: Turn) -> Granted:
        """One round trip."""
        key = f"{self._prefix}:limits:{turn.bucket}"
        keys = (key, f"{key}:held", f"{key}:askers")
        answer: Any = await self._script(keys=keys, args=[orjson.dumps(_document(turn))])
        ids, wait_ms, *mark = answer
        requests, tokens = map(float, mark)
        wanted = {call.id: call for calls in turn.wants.values() for call in calls}
        permits = tuple(Permit(wanted[each], (requests, tokens)) for each in ids)
        return Granted(permits, float(wait_ms) / 1000)


def _document(turn: Turn) -> dict[str, Any]:
    rates = {"requests": turn.rates.requests, "tokens": turn.rates.tokens}
    return {
        "rates": _known(rates),
        "wants": [
            {"asker": asker, "calls": [(call.id, call.tokens) for call in calls]}
            for asker, calls in turn.wants.items()
        ],
        "settled": [_settled(each) for each in turn.settled],
        "refused": turn.refused_s * 1000,
        "expiry": turn.expiry_s * 1000,
    }


def _settled(settlement: Settlement) -> dict[str, Any]:
    call = settlement.permit.call
    latency_s = settlement.latency_s
    said = {
        "tokens_used": settlement.tokens,
        "latency": None if latency_s is None else latency_s * 1000,
        **_told(settlement.headroom),
    }
    return {
        "id": call.id,
        "reserved": call.tokens,
        "sent": settlement.sent,
        "mark": settlement.permit.mark,
        **_known(said),
    }


def _told(headroom: Headroom) -> dict[str, list[float] | None]:
    units = {"requests": headroom.requests, "tokens": headroom.tokens}
    return {unit: None if told is None else _bucket(told) for unit, told in units.items()}


def _bucket(told: Told) -> list[float]:
    known = [told.limit, told.remaining]
    return known if told.reset_s is None else [*known, told.reset_s * 1000]


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    """Without what is unknown: Lua would take null for something."""
    return {name: value for name, value in fields.items() if value is not None}
