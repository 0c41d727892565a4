"""docs/accounts/README.md says of the dialects what the record says, and links their pages."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest

from tuneq_shared.capabilities import Capabilities, Knob
from tuneq_shared.dialects import DIALECTS
from tuneq_shared.settings import Account

PAGE = (Path(__file__).parents[2] / "docs" / "accounts" / "README.md").read_text()
ELSEWHERE = {"hyperparameters", "end_date"}  # in a table of their own, and in a sentence


def written(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case tuple():
            return ", ".join(value)
        case _:
            return str(value)


def table(head: str, names: Iterable[str], cell: Callable[[str, Capabilities], Any]) -> str:
    """One row a name, one column a dialect."""
    rows: list[Sequence[str]] = [(head, *DIALECTS), ("---",) * (len(DIALECTS) + 1)]
    rows += [(f"`{n}`", *(written(cell(n, can)) for can in DIALECTS.values())) for n in names]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def capabilities() -> str:
    names = [name for name in Capabilities.model_fields if name not in ELSEWHERE]
    return table("capability", names, lambda name, can: getattr(can, name))


def hyperparameters() -> str:
    return table("hyperparameter", get_args(Knob), lambda name, can: name in can.hyperparameters)


@pytest.mark.parametrize("expected", [capabilities(), hyperparameters()])
def test_its_tables_are_those_of_the_record(expected: str) -> None:
    assert expected in PAGE, f"put this into docs/accounts/README.md:\n{expected}"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_has_a_page(dialect: str) -> None:
    assert f"]({dialect}.md)" in PAGE


def test_known_ends_are_told() -> None:
    openai = Account(base_url="https://api.openai.com/v1").capabilities
    assert f"until {openai.end_date}" in PAGE
    assert not [name for name, can in DIALECTS.items() if can.end_date]
