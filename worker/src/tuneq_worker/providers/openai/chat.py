"""Chat completions, many at once on one event loop."""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import ClientError, ClientSession
from pydantic import BaseModel, Field

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.ports.limits import Headroom
from tuneq_worker.ports.provider import Completion, ProviderError
from tuneq_worker.providers.openai.credentials import Credential
from tuneq_worker.providers.openai.errors import read_answer, refused, translate, without_key
from tuneq_worker.providers.openai.waits import read_headroom


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

    def to_completion(self, headroom: Headroom) -> Completion:
        """The first choice; a refusal's words are its text, and no usage counts as none.

        Raises:
            ProviderError: it holds neither an answer nor a refusal.
        """
        choice = self.choices[0]
        message = choice.message
        declined = bool(message.refusal) or choice.finish_reason == "content_filter"
        text = message.refusal if message.content is None else message.content
        if text is None and not declined:
            raise ProviderError(
                ErrorKind.MALFORMED, "unreadable answer: neither content nor refusal"
            )
        usage = self.usage or _Usage()
        return Completion(
            text=text or "",
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            refused=declined,
            headroom=headroom,
        )


class OpenAIChat:
    """An open line; use it on the event loop that opened it."""

    def __init__(
        self,
        account: str,
        session: ClientSession,
        url: str,
        credential: Credential,
        proxy: str | None,
    ) -> None:
        self._account = account
        self._session = session
        self._url = url
        self._credential = credential
        self._proxy = proxy

    async def complete(
        self, model: str, messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]
    ) -> Completion:
        """Ask once.

        Raises:
            ProviderError: there is no answer; nothing was tried again.
        """
        body = orjson.dumps({**parameters, "model": model, "messages": messages})
        let_in, secret = await self._let_in()
        # Where a redirect leads elsewhere, Authorization alone is known to be left behind.
        follows = let_in.keys() <= {"Authorization"}
        try:
            async with self._session.post(
                self._url, data=body, headers=let_in, proxy=self._proxy, allow_redirects=follows
            ) as answer:
                status, headers, raw = answer.status, answer.headers, await answer.read()
        except (ClientError, OSError) as error:
            failure = translate(error, self._account, secret)
        else:
            if status < HTTPStatus.MULTIPLE_CHOICES:
                read = read_answer(ChatDocument, without_key(raw, secret))
                return read.to_completion(read_headroom(headers))
            failure = refused(status, _document(raw), headers, secret)
        raise failure

    async def _let_in(self) -> tuple[Mapping[str, str], str]:
        if self._credential.stale:  # to ask for a new one would hold up all that is under way
            await asyncio.to_thread(self._credential.headers)
        return self._credential.headers(), self._credential.secret


def _document(raw: bytes) -> object:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw.decode("utf-8", "replace").strip()
