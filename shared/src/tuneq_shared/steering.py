"""Texts from outside on their way to a terminal."""

import re

# Control characters but tab and line feed, other line ends, and what turns the direction of text.
_STEERING = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def unsteered(text: str) -> str:
    """The text with a space in the place of each character that would steer the terminal."""
    return _STEERING.sub(" ", text)
