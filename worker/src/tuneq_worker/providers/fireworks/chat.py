"""Chat with deployments that may have gone to sleep."""

from collections.abc import Mapping, Sequence
from typing import Any

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import Chat, Completion, ProviderError
from tuneq_worker.providers.fireworks.refusals import told_apart

_SCALING_UP = "DEPLOYMENT_SCALING_UP"


class WakingChat:
    """A line on which a deployment without replicas counts as a model that is being loaded.

    Fireworks answers 503 at once and starts the first replica, which takes minutes. Nothing was
    bought: it may be asked again as often as it takes.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    async def complete(
        self, model: str, messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]
    ) -> Completion:
        """Ask once.

        Raises:
            ProviderError: there is no answer; nothing was tried again.
        """
        try:
            return await self._chat.complete(model, messages, parameters)
        except ProviderError as error:
            if error.code == _SCALING_UP:
                error.kind = ErrorKind.COLD
            told_apart(error)
            raise
