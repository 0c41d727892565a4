"""Chat completions, many at once on one event loop."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import ClientError
from openai import AsyncOpenAI, OpenAIError
from pydantic import BaseModel, Field

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import Completion, ProviderError
from tuneq_worker.providers.openai.errors import read_answer, translate


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class ChatDocument(BaseModel):
    """A chat completion, as far as we read it."""

    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None

    def to_completion(self) -> Completion:
        """The first choice; a refusal's words are its text, and no usage counts as none.

        Raises:
            ProviderError: it holds neither an answer nor a refusal.
        """
        choice = self.choices[0]
        message = choice.message
        refused = bool(message.refusal) or choice.finish_reason == "content_filter"
        text = message.refusal if message.content is None else message.content
        if text is None and not refused:
            raise ProviderError(
                ErrorKind.MALFORMED, "unreadable answer: neither content nor refusal"
            )
        usage = self.usage or _Usage()
        return Completion(
            text=text or "",
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            refused=refused,
        )


class OpenAIChat:
    """An open line; use it on the event loop that opened it."""

    def __init__(self, account: str, client: AsyncOpenAI, key: str) -> None:
        self._account = account
        self._client = client
        self._key = key

    async def complete(
        self, model: str, messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]
    ) -> Completion:
        """Ask once.

        Raises:
            ProviderError: there is no answer; nothing was tried again.
        """
        body = {**parameters, "model": model, "messages": messages}
        try:
            # Not chat.completions.create: its walk through the parameters is a third of its cost.
            raw = await self._client.post("/chat/completions", cast_to=bytes, body=body)
        except (OpenAIError, ClientError, OSError) as error:
            failure = translate(error, self._account, self._key)
        else:
            return read_answer(ChatDocument, raw).to_completion()
        raise failure
