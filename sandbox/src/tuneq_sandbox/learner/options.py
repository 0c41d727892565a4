"""Multiple choice: the options that stand in a prompt, and the forms an answer may have."""

import re
import string
from dataclasses import dataclass

MIN_OPTIONS = 2
_HEADER = re.compile(r"(?:^|\n)[ \t]*(?:Options|Choices)[ \t]*:\s*", re.IGNORECASE)
_ANSWER_CUE = re.compile(r"\s*\nAnswer:\s*$")
_CONTEXT = re.compile(r"Context:\s*(.*?)\s*(?=\nQuestion:|$)", re.DOTALL)
_QUESTION = re.compile(r"Question:\s*(.*?)\s*(?=\nContext:|$)", re.DOTALL)
LETTERS = string.ascii_uppercase
_STYLES = (r"\({}\):?[ \t]", r"{}[.):][ \t]")


def _marks(before: str) -> tuple[tuple[re.Pattern[str], ...], ...]:
    return tuple(
        tuple(re.compile(before + style.format(letter)) for letter in LETTERS) for style in _STYLES
    )


_MARKS_ANYWHERE = _marks(r"(?:^|\s)")
_MARKS_AT_LINE_STARTS = _marks(r"(?:^|\n)[ \t]*")
_FIRST_LINE_MARK = re.compile(r"(?:^|\n)[ \t]*\(?A[.):]")
FORMS = (
    "{letter}",
    "({letter})",
    "{letter}.",
    "{letter})",
    "({letter}) {text}",
    "{letter}. {text}",
    "{letter}) {text}",
    "{text}",
)
"""How an answer may name an option; the first that fits is meant."""
TEXT_FORM = "{text}"


@dataclass(frozen=True, slots=True)
class Option:
    """One choice: its letter and its words."""

    letter: str
    text: str

    def render(self, form: str) -> str:
        """The option as an answer of that form, one of `FORMS`."""
        return form.format(letter=self.letter, text=self.text)


@dataclass(frozen=True, slots=True)
class MultipleChoice:
    """A prompt taken apart; `context` may be empty."""

    context: str
    question: str
    options: tuple[Option, ...]

    def option_of(self, answer: str, form: str) -> int | None:
        """The index of the option that the answer names in that form, or None."""
        wanted = answer.strip()
        for index, option in enumerate(self.options):
            if option.render(form) == wanted:
                return index
        return None

    def form_of(self, answer: str) -> str | None:
        """The form in which the answer names one of the options, or None."""
        return next((form for form in FORMS if self.option_of(answer, form) is not None), None)


def parse_choice(prompt: str) -> MultipleChoice | None:
    """Take a multiple-choice prompt apart; None when it holds no options.

    Options are `(A) ...`, `A. ...`, `A) ...` or `A: ...`, in order, after the last `Options:` or
    `Choices:`, or else at the starts of lines. An example inside the prompt is passed over.
    """
    headers = list(_HEADER.finditer(prompt))
    if headers:
        head, body = prompt[: headers[-1].start()], prompt[headers[-1].end() :]
        marks = _MARKS_ANYWHERE
    else:
        first = _FIRST_LINE_MARK.search(prompt)
        if first is None:
            return None
        head, body, marks = prompt[: first.start()], prompt[first.start() :], _MARKS_AT_LINE_STARTS
    body = _ANSWER_CUE.sub("", body)
    options = max((_split_options(body, style) for style in marks), key=len)
    if len(options) < MIN_OPTIONS:
        return None
    head = head.rsplit("\nAnswer:", 1)[-1]
    context, question = _CONTEXT.search(head), _QUESTION.search(head)
    return MultipleChoice(
        context=context.group(1) if context else "",
        question=question.group(1) if question else head,
        options=options,
    )


def _split_options(body: str, marks: tuple[re.Pattern[str], ...]) -> tuple[Option, ...]:
    places: list[tuple[int, int]] = []
    for mark in marks:  # one after the other: a "(C)" inside option A is no mark
        found = mark.search(body, max(0, places[-1][1] - 1) if places else 0)
        if found is None:
            break
        places.append(found.span())
    ends = [begin for begin, _ in places[1:]] + [len(body)]
    return tuple(
        Option(letter, body[begin:end].strip())
        for letter, (_, begin), end in zip(LETTERS, places, ends, strict=False)
    )
