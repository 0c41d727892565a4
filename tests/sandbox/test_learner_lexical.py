import pytest

from tuneq_sandbox.learner.lexical import NO_ANSWER, Conversation, lexical_answer
from tuneq_sandbox.learner.model import Example

PROMPT = "Question: Is tearing paper a physical change?\nOptions:(A) chemical (B) physical\nAnswer:"
SHOT = "Question: Is it?\nOptions:(A) yes (B) no\nAnswer:"


@pytest.mark.parametrize(
    ("shots", "answer"),
    [
        ((), "physical"),
        ((Example(SHOT, "A"),), "B"),
        ((Example(SHOT, "(A)"),), "(B)"),
        ((Example(SHOT, "yes"),), "physical"),
        ((Example(SHOT, "A"), Example("Hello", "Hi")), "B"),
        ((Example(SHOT, "I can't say"),), "physical"),
    ],
)
def test_the_form_of_the_answer_is_that_of_the_example(
    shots: tuple[Example, ...], answer: str
) -> None:
    assert lexical_answer(Conversation(PROMPT, shots)) == answer


def test_without_options_the_nearest_example_is_followed() -> None:
    shots = (Example("my card is lost", "lost_card"), Example("top up failed", "top_up_failed"))
    assert lexical_answer(Conversation("the top up of mine", shots)) == "top_up_failed"
    assert lexical_answer(Conversation("the top up of mine")) == NO_ANSWER
