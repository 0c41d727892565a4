"""The configurations in docs/accounts are ones that work."""

import re
import sys
import tomllib
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace

import pytest
from pydantic import BaseModel, SecretStr

from tuneq_shared.dialects import DIALECTS
from tuneq_shared.settings import Account, Settings
from tuneq_worker.providers.azure.options import AzureOptions
from tuneq_worker.providers.nebius.options import NebiusOptions
from tuneq_worker.providers.options import read_options
from tuneq_worker.providers.registry import build_provider

PAGES = Path(__file__).parents[2] / "docs" / "accounts"
CONFIGURATION = re.compile(
    r"^(?:```toml\n(.+?)^```|( {4}\[accounts\.[^\n]*\n(?:(?: {4}[^\n]*)?\n)*))",
    flags=re.MULTILINE | re.DOTALL,
)
OPTIONS: dict[str, type[BaseModel]] = {"azure": AzureOptions, "nebius": NebiusOptions}


def configured(page: str) -> Account:
    """The account of a page's first block that holds one."""
    lines = (PAGES / f"{page}.md").read_text().splitlines()
    start = lines.index(f"    [accounts.{page}]")
    ends = (n for n, line in enumerate(lines) if n > start and line[:1].strip())
    document = tomllib.loads("\n".join(lines[start : next(ends)]))
    return Account.model_validate(document["accounts"][page])


@pytest.mark.parametrize("page", ["README", *DIALECTS])
def test_every_configuration_makes_an_adapter(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = SimpleNamespace(DefaultAzureCredential=object)  # of an extra that tests do without
    monkeypatch.setitem(sys.modules, "azure.identity", identity)
    found = CONFIGURATION.findall((PAGES / f"{page}.md").read_text())
    assert found
    for fenced, indented in found:
        settings = Settings(**tomllib.loads(fenced or dedent(indented)))
        for name, account in settings.accounts.items():
            assert account.dialect == (page if page in DIALECTS else "openai")
            build_provider(name, account, SecretStr("key-0123456789abcdef"), 1.0)


@pytest.mark.parametrize("dialect", sorted(OPTIONS))
def test_its_options_are_read_and_all_options_are_told(dialect: str) -> None:
    shape = OPTIONS[dialect]
    assert isinstance(read_options(shape, dialect, configured(dialect)), shape)
    page = (PAGES / f"{dialect}.md").read_text()
    assert [name for name in shape.model_fields if f"`{name}`" not in page] == []
