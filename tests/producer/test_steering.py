"""What others wrote does not steer the terminal."""

import pytest

from tuneq_producer.error_report import report_error
from tuneq_producer.report.cells import cell_table
from tuneq_producer.report.markdown import escaped
from tuneq_producer.report.terminal import print_table
from tuneq_producer.views.console import open_console
from tuneq_shared.errors import InvalidInputError
from tuneq_shared.steering import unsteered

ODD = "a\x1b]0;owned\x07\x9b31mb\rc\u202ed"


def test_only_what_steers_is_replaced() -> None:
    assert unsteered(ODD) == "a ]0;owned  31mb c d"
    assert unsteered("one\n\ttwo \U0001f468\u200d\U0001f469 \u0645\u200c") == (
        "one\n\ttwo \U0001f468\u200d\U0001f469 \u0645\u200c"
    )


def test_tables_titles_and_lines(capsys: pytest.CaptureFixture[str]) -> None:
    console = open_console()
    print_table(console, cell_table(ODD, ["name", ODD], [(ODD, "1")]), [ODD])
    console.print(ODD)
    assert_harmless(capsys.readouterr().out)


def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    report_error(InvalidInputError(ODD, hint=ODD), as_json=False)
    assert_harmless(capsys.readouterr().err)


def assert_harmless(text: str) -> None:
    assert "owned" in text
    assert not any(code in text for code in "\x1b\x07\x9b\r\u202e")


def test_markdown_shows_no_pictures_of_theirs() -> None:
    assert escaped("![x](http://a.b/c)") == r"!\[x](http://a.b/c)"
    assert escaped("a\\|b <i>") == r"a\\\|b &lt;i>"
