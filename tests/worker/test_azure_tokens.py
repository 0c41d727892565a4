"""What lets requests in at Azure, and what is said where nothing does."""

import asyncio
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import SecretStr
from tests.worker.azure_support import PLACE, TOKEN, TOKEN_ENV, azure, deployed, resource
from tests.worker.openai_support import KEY, Reply, ScriptedServer, job_document, refusal

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.errors import ConfigurationError
from tuneq_shared.settings import Account
from tuneq_worker.keys import read_key
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.azure.adapter import AzureProvider
from tuneq_worker.providers.azure.tokens import EntraToken


@dataclass(frozen=True)
class Handed:
    token: str
    expires_on: int


@dataclass
class FakeIdentity:
    lives_s: int = 3600
    trouble: Exception | None = None
    asked: list[str] = field(default_factory=list)

    def get_token(self, *scopes: str) -> Handed:
        self.asked += scopes
        if self.trouble is not None:
            raise self.trouble
        return Handed(f"entra-{len(self.asked)}-{scopes[0]}", int(time.time()) + self.lives_s)


class ServiceRequestError(Exception):
    """As in azure.core: no answer."""


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> FakeIdentity:
    made = FakeIdentity()
    module = ModuleType("azure.identity")
    module.DefaultAzureCredential = lambda: made  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "azure", ModuleType("azure"))
    monkeypatch.setitem(sys.modules, "azure.identity", module)
    return made


def test_tokens_of_the_identity_let_in_each_for_its_own_scope(identity: FakeIdentity) -> None:
    with ScriptedServer(resource(deployed("mine"))) as server:
        provider = azure(server, entra=True, management_token_env=None)
        provider.deployment("mine")
        provider.deployment("mine")
        headers = [asked.headers for asked in server.asked]
        scope = f"http://127.0.0.1:{server.port}/.default"
    assert identity.asked == [scope, "https://cognitiveservices.azure.com/.default"]
    assert [one["authorization"] for one in headers[:2]] == [
        f"Bearer entra-1-{scope}",
        "Bearer entra-2-https://cognitiveservices.azure.com/.default",
    ]
    assert [one["authorization"] for one in headers[2:]] == [
        one["authorization"] for one in headers[:2]
    ]
    assert not any("api-key" in one for one in headers)


def test_a_token_is_renewed_before_it_ends() -> None:
    identity = FakeIdentity(lives_s=200)
    token = EntraToken("lab", "s", identity)
    assert token.headers() != token.headers()
    identity.lives_s = 4000
    assert token.headers() == token.headers()
    assert not token.stale


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (ServiceRequestError("no route"), ErrorKind.NETWORK),
        (ValueError("not signed in\nand much more"), ErrorKind.AUTH),
    ],
)
def test_without_a_token_nothing_is_sent(
    identity: FakeIdentity, trouble: Exception, kind: ErrorKind
) -> None:
    identity.trouble = trouble

    async def chat(provider: AzureProvider) -> None:
        async with provider.open_chat(in_flight=1) as line:
            await line.complete("m", [], {})

    with ScriptedServer(lambda _: Reply({})) as server:
        provider = azure(server, entra=True, management_token_env=None)
        for call in (
            lambda: provider.job("ftjob-1"),
            lambda: provider.deployment("d"),
            lambda: asyncio.run(chat(provider)),
        ):
            with pytest.raises(ProviderError, match="Entra token") as caught:
                call()
            assert caught.value.kind is kind
            assert "much more" not in caught.value.message
        assert server.asked == []


def test_a_token_that_is_quoted_back_is_taken_out(identity: FakeIdentity) -> None:
    words = "wrong: entra-1-https://cognitiveservices.azure.com/.default"
    with (
        ScriptedServer(lambda _: refusal(401, words)) as server,
        pytest.raises(ProviderError, match=r"wrong: \*\*\*"),
    ):
        azure(server, entra=True).job("ftjob-1")
    assert len(identity.asked) == 1


def test_a_kept_token_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    with ScriptedServer(resource()) as server:
        provider = azure(server, management_token_env=None, management_token_file=str(file))
        provider.find_deployments("d")
        file.write_text("second")
        provider.find_deployments("d")
        file.write_text("")
        with pytest.raises(ProviderError, match="no token") as caught:
            provider.find_deployments("d")
        told = [asked.headers["authorization"] for asked in server.asked]
    assert told == ["Bearer first", "Bearer second"]
    assert caught.value.kind is ErrorKind.AUTH


def account(**options: object) -> Account:
    fields = {"dialect": "azure", "base_url": "http://x/openai/v1", "options": options}
    return Account.model_validate(fields)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "where tuned models are to be deployed"),
        ({"subscription": "s"}, "set all of subscription"),
        ({**PLACE, "capacity": 0}, r"accounts\.lab\.options\.capacity"),
        ({**PLACE, "resource": "a/b"}, r"accounts\.lab\.options\.resource"),
        ({**PLACE, "management_token": TOKEN}, r"options\.management_token: unknown field"),
    ],
)
def test_wrong_options_are_named_without_their_value(
    options: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        AzureProvider("lab", account(**options), SecretStr(KEY), 1.0)
    assert TOKEN not in caught.value.message + caught.value.hint


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    with pytest.raises(ConfigurationError, match="is missing here") as caught:
        AzureProvider("lab", account(**PLACE), SecretStr(KEY), 1.0)
    assert "tuneq-worker[azure]" in caught.value.hint


def test_a_key_is_needed_only_where_no_token_lets_in(identity: FakeIdentity) -> None:
    del identity
    entra = account(**PLACE, entra=True)
    assert read_key("lab", entra).get_secret_value() == ""
    with pytest.raises(ConfigurationError):
        read_key("lab", account(**PLACE))
    with pytest.raises(ConfigurationError, match="lets it in"):
        AzureProvider("lab", account(**PLACE), SecretStr(""), 1.0)


def test_an_account_that_deploys_nothing_needs_no_resource(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(TOKEN_ENV, raising=False)
    fields = account().model_dump() | {"capabilities": {"deployment": False}}
    provider = AzureProvider("lab", Account.model_validate(fields), SecretStr(KEY), 1.0)
    assert provider.serves("m") == "m"
    assert list(provider.all_deployments()) == []
    with ScriptedServer(lambda _: Reply(job_document())) as server:
        assert azure(server).job("ftjob-1").id == "ftjob-1"
