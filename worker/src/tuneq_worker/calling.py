"""One call to a model with the limiter's leave, which is told what became of it."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from tuneq_shared.ports.limits import Permit, Settlement
from tuneq_worker.ports.lane import Pace
from tuneq_worker.ports.provider import Chat, Completion, ProviderError


async def call_with_leave(
    chat: Chat,
    pace: Pace,
    permit: Permit,
    model: str,
    *,
    messages: Sequence[Mapping[str, Any]],
    parameters: Mapping[str, Any],
) -> tuple[Completion, float]:
    """The answer, and the seconds that it took.

    Raises:
        ProviderError: there is none.
    """
    outcome = Settlement(permit=permit)  # whatever happens now, it may have been sent
    begun = time.monotonic()
    try:
        completion = await chat.complete(model, messages, parameters)
        latency_s = time.monotonic() - begun
        used = completion.prompt_tokens + completion.completion_tokens
        outcome = Settlement(
            permit=permit,
            tokens=used or None,  # no answer is free: this one does not say
            latency_s=latency_s,
            headroom=completion.headroom,
        )
    except ProviderError as error:
        outcome = Settlement(permit=permit, headroom=error.headroom)
        raise
    finally:
        pace.settle(outcome)
    return completion, latency_s
