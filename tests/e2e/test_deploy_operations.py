"""docs/operations.md is complete and true to the settings."""

import json
import re

import pytest
from pydantic import BaseModel
from tests.e2e.deploy_dockerfile import REPO

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.deadlines import Deadlines
from tuneq_shared.settings import Account, Limits, Price, Settings

TEXT = (REPO / "docs" / "operations.md").read_text()
SECTIONS: dict[str, type[BaseModel]] = {
    "### At the top": Settings,
    "### `[accounts.NAME]`": Account,
    "### `[accounts.NAME.limits]`": Limits,
    "### `[accounts.NAME.deadlines]`": Deadlines,
    "### `[accounts.NAME.capabilities]`": Capabilities,
    '### `[accounts.NAME.prices."MODEL"]`': Price,
}
NESTED = {"accounts", "capabilities", "deadlines", "limits", "prices"}  # these have sections


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_setting_stands_there_with_its_default(heading: str) -> None:
    section = re.split(r"\n##+ ", TEXT.partition(f"{heading}\n")[2])[0]
    told = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", section, flags=re.MULTILINE))
    assert told == defaults(SECTIONS[heading])


def defaults(model: type[BaseModel]) -> dict[str, str]:
    """Each setting's default as the tables write it."""
    written = {}
    for name, field in model.model_fields.items():
        if name in NESTED:
            continue
        if field.is_required():
            written[name] = "required"
        elif field.default is None:
            written[name] = "none"
        else:
            written[name] = f"`{json.dumps(field.default)}`"
    return written


def test_what_it_says_of_redis_is_what_the_image_gets() -> None:
    said = re.findall(r"^    ((?:append|maxmemory)\S+ \S+)$", TEXT, flags=re.MULTILINE)
    assert len(said) == 3
    assert set(said) <= set((REPO / "deploy" / "redis.conf").read_text().splitlines())
