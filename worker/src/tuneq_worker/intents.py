"""Buying once: what is about to be bought is written down, and looked for before it is tried again.

Whoever takes over from a dead worker finds either no intent, and so nothing bought, or an intent,
and so looks until what was bought must have shown.
"""

from typing import Any

from tuneq_worker.ports.stage import Lease, Ports

LOOK_AGAIN_S = 5.0
"""Between two looks for what may have been bought."""
_MARGIN_S = 5.0


def new_intent(ports: Ports, lease: Lease[Any]) -> float:
    """The intent of this instant, a Redis time, and a lease that outlasts a POST."""
    lease.renew(3 * ports.settings.request_timeout_s + _MARGIN_S)
    return lease.now


def in_grace(intent_at: float | None, ports: Ports, lease: Lease[Any]) -> bool:
    """Whether what was about to be bought at that instant may still show; none: nothing was."""
    return intent_at is not None and lease.now - intent_at < ports.settings.purchase_grace_s
