"""The untrained base model: it compares words and has learnt nothing.

With an example in the conversation it answers in the example's form; without one, in the words of
the option. That is honestly why one shot helps a strict reader of its answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tuneq_sandbox.learner.hashing import words
from tuneq_sandbox.learner.model import Example
from tuneq_sandbox.learner.options import TEXT_FORM, parse_choice

NO_ANSWER = "I do not know."


@dataclass(frozen=True, slots=True)
class Conversation:
    """A chat as models read it: the last question, and the answered ones before it."""

    prompt: str
    shots: tuple[Example, ...] = ()


def lexical_answer(conversation: Conversation) -> str:
    """The option that shares the largest part of its words with question and context.

    A prompt without options gets the answer of the example that is nearest in words.
    """
    choice = parse_choice(conversation.prompt)
    if choice is None:
        return _nearest(conversation)
    seen = _bag(f"{choice.question} {choice.context}")
    best = max(choice.options, key=lambda option: _share(_bag(option.text), seen))
    return best.render(_form(conversation.shots))


def _form(shots: Sequence[Example]) -> str:
    for shot in reversed(shots):
        choice = parse_choice(shot.prompt)
        form = choice.form_of(shot.answer) if choice else None
        if form is not None:
            return form
    return TEXT_FORM


def _nearest(conversation: Conversation) -> str:
    if not conversation.shots:
        return NO_ANSWER
    seen = _bag(conversation.prompt)
    return max(conversation.shots, key=lambda shot: _share(_bag(shot.prompt), seen)).answer


def _bag(text: str) -> set[str]:
    return {word.lower() for word in words(text) if word.isalnum()}


def _share(part: set[str], seen: set[str]) -> float:
    return len(part & seen) / max(1, len(part))
