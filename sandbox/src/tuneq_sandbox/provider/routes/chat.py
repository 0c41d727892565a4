"""The route /v1/chat/completions: a tuned model or the lexical baseline answers."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from tuneq_sandbox.learner.lexical import Conversation, lexical_answer
from tuneq_sandbox.provider.body import read_body
from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.faces.face import FACE_KEY, Face
from tuneq_sandbox.provider.ids import CHARACTERS_A_TOKEN, count_tokens, new_id
from tuneq_sandbox.provider.keys import KEY
from tuneq_sandbox.provider.routes.models import unknown_model
from tuneq_sandbox.provider.state import STATE, State
from tuneq_sandbox.provider.training_file import examples_of, message_problem, text_of


class ChatRequest(BaseModel):
    """What is read of a request.

    Sampling parameters are taken and have no effect: the answer is always the most likely one.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    model: str
    messages: list[dict[str, Any]] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    n: int | None = 1
    stream: bool | None = False
    tools: list[Any] | None = None
    logprobs: bool | None = False

    def unsupported(self) -> str | None:
        """The first parameter that asks for what this provider cannot do."""
        asked = {
            "n": (self.n or 1) > 1,
            "stream": self.stream,
            "tools": self.tools,
            "logprobs": self.logprobs,
        }
        return next((name for name, given in asked.items() if given), None)


async def complete_chat(request: web.Request) -> web.Response:
    """Answer the last user message."""
    state = request.app[STATE]
    body = await read_body(request, ChatRequest)
    face = request.app[FACE_KEY]
    _check(body)
    _find(state, face.called(state, body.model))  # what nobody answers takes nothing
    tokens = _prompt_tokens(body) + (_limit(body) or 0)
    headers = state.limiter.take(request[KEY], body.model, tokens)
    if state.config.chat_latency_ms:
        await asyncio.sleep(state.config.chat_latency_ms / 1000)
    return json_response(completion(state, body, face), headers=headers)


def completion(state: State, body: ChatRequest, face: Face) -> dict[str, Any]:
    """The answer, as a document.

    Raises:
        ApiError: the request is wrong, or nobody answers under that name.
    """
    _check(body)
    conversation = _conversation(body.messages)
    prompt_tokens, limit = _prompt_tokens(body), _limit(body)
    text = _find(state, face.called(state, body.model))(conversation)
    cut = limit is not None and count_tokens(text) > limit
    if cut:
        text = text[: (limit or 0) * CHARACTERS_A_TOKEN]
    completion_tokens = count_tokens(text)
    return {
        "id": new_id("chatcmpl-"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": "length" if cut else "stop",
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def _prompt_tokens(body: ChatRequest) -> int:
    return sum(count_tokens(text_of(message)) for message in body.messages)


def _limit(body: ChatRequest) -> int | None:
    return body.max_completion_tokens or body.max_tokens


def _check(body: ChatRequest) -> None:
    for number, message in enumerate(body.messages):
        problem = message_problem(message)
        if problem:
            raise ApiError(
                400, f"Invalid 'messages[{number}]': {problem}.", param=f"messages[{number}]"
            )
    unsupported = body.unsupported()
    if unsupported:
        raise ApiError(
            400,
            f"Unsupported parameter: '{unsupported}' is not supported with this model.",
            param=unsupported,
            code="unsupported_parameter",
        )


def _conversation(messages: list[dict[str, Any]]) -> Conversation:
    users = [number for number, message in enumerate(messages) if message["role"] == "user"]
    if not users:
        return Conversation(prompt=text_of(messages[-1]))
    return Conversation(
        prompt=text_of(messages[users[-1]]), shots=tuple(examples_of(messages[: users[-1]]))
    )


def _find(state: State, name: str) -> Callable[[Conversation], str]:
    """Who answers under that name. A tuned model looks at the last user message alone."""
    if name in state.config.base_models:
        return lexical_answer
    tuned = state.jobs.find_model(name)
    if tuned is None:
        raise unknown_model(name)
    model = state.models.get(state.folder.training(tuned.training), tuned.checkpoint)
    return lambda conversation: model.answer(conversation.prompt)
