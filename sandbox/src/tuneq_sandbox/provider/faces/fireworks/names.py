"""Full names of things, and the time and the addresses as Fireworks writes them."""

import hmac
import re
from datetime import UTC, datetime
from hashlib import sha256

from aiohttp import web

from tuneq_sandbox.provider.errors import ApiError
from tuneq_sandbox.provider.state import STATE, State

ACCOUNT = "sandbox"
"""The one account that there is; `fireworks` has the library of models beside it."""
LIBRARY = "fireworks"
SIGNED = "/signed/"
"""Addresses below it need no key: who knows one may use it."""

_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")


def full(collection: str, resource_id: str) -> str:
    """The full name of one of the account's things."""
    return f"accounts/{ACCOUNT}/{collection}/{resource_id}"


def own_id(collection: str, name: str) -> str | None:
    """The id in a full name of one of the account's things; none for any other name."""
    own = full(collection, "")
    return name.removeprefix(own) if name.startswith(own) else None


def chosen_id(request: web.Request, field: str) -> str | None:
    """The id that the query gives a new thing.

    Raises:
        ApiError: 400, it is none.
    """
    given = request.query.get(field)
    if given is not None:
        check_id(given)
    return given


def check_id(given: str) -> None:
    """Refuse what is no id.

    Raises:
        ApiError: 400.
    """
    if not _ID.fullmatch(given):
        raise ApiError(400, f"invalid resource id {given!r}: use a-z, 0-9 and -, at most 63")


def check_account(request: web.Request) -> None:
    """Refuse the things of others.

    Raises:
        ApiError: 403.
    """
    account = request.match_info["account"]
    if account != ACCOUNT:
        raise ApiError(403, f"you have no permission to access account {account}")


def moment(seconds: float | None) -> str | None:
    """A time in RFC 3339, microseconds and all."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def signed_address(request: web.Request, path: str) -> str:
    """An address for a path below `SIGNED` that works without a key."""
    signature = _signature(request.app[STATE], path)
    return f"{request.scheme}://{request.host}{SIGNED}{path}?signature={signature}"


def check_signature(request: web.Request) -> None:
    """Refuse an address that was not signed here.

    Raises:
        ApiError: 403.
    """
    wanted = _signature(request.app[STATE], request.path.removeprefix(SIGNED))
    if not hmac.compare_digest(request.query.get("signature", ""), wanted):
        raise ApiError(403, "SignatureDoesNotMatch")


def _signature(state: State, path: str) -> str:
    secret = ",".join(sorted(state.keys)).encode()
    return hmac.new(secret, path.encode(), sha256).hexdigest()
