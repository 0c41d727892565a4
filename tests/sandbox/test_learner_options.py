import pytest

from tuneq_sandbox.learner.options import FORMS, parse_choice

OPTIONS = ("present tense", "future (B) tense", "past tense")


@pytest.mark.parametrize(
    ("prompt", "context"),
    [
        (
            (
                "Context: A hint.\nQuestion: Which?\nOptions:(A) present tense (B) future "
                "(B) tense (C) past tense\nAnswer:"
            ),
            "A hint.",
        ),
        (
            (
                "Question: Which?\nChoices:\nA. present tense\nB. future (B) tense\nC. past tense\n"
                "Answer:"
            ),
            "",
        ),
        ("Which?\nA) present tense\nB) future (B) tense\nC) past tense", ""),
        (
            (
                "Context: Old.\nQuestion: Before?\nOptions:(A) x (B) y\nAnswer: A\n"
                "Context: A hint.\nQuestion: Which?\nOptions:(A) present tense (B) future "
                "(B) tense (C) past tense\nAnswer:"
            ),
            "A hint.",
        ),
    ],
)
def test_options_are_read_in_every_style(prompt: str, context: str) -> None:
    choice = parse_choice(prompt)
    assert choice is not None
    assert tuple(option.text for option in choice.options) == OPTIONS
    assert "".join(option.letter for option in choice.options) == "ABC"
    assert choice.context == context
    assert choice.question == "Which?"


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "How do I top up my card?",
        "Options:",
        "Options:(A) only one\nAnswer:",
        "A. one\nno more",
    ],
)
def test_what_is_no_multiple_choice(prompt: str) -> None:
    assert parse_choice(prompt) is None


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_tells_its_form_and_option(form: str) -> None:
    choice = parse_choice("Question: q\nOptions:(A) one fish (B) two fish\nAnswer:")
    assert choice is not None
    answer = choice.options[1].render(form)
    assert choice.form_of(f" {answer}\n") == form
    assert choice.option_of(answer, form) == 1
    assert choice.form_of("three fish") is None
