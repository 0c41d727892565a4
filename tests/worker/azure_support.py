"""An Azure resource on this machine: data plane and management behind one scripted server."""

from collections.abc import Callable
from typing import Any

from pydantic import SecretStr
from tests.worker.openai_support import KEY, Asked, Reply, ScriptedServer

from tuneq_shared.settings import Account
from tuneq_worker.providers.azure.adapter import AzureProvider

TOKEN_ENV, TOKEN = "TUNEQ_TEST_TOKEN", "token-0123456789abcdef"
PLACE = {"subscription": "sub", "resource_group": "my(group)", "resource": "res"}
DEPLOYMENTS = (
    "/subscriptions/sub/resourceGroups/my%28group%29"
    "/providers/Microsoft.CognitiveServices/accounts/res/deployments"
)
TUNED = "gpt-4.1-mini-2025-04-14.ft-b044a9d3cf9c4228b5d393567f693b83"


def deployed(name: str, model: str = TUNED, state: str = "Succeeded", **extra: Any) -> Any:
    """A deployment as the management shows it."""
    version = extra.pop("version", "1")
    return {
        "id": f"{DEPLOYMENTS}/{name}",
        "name": name,
        "type": "Microsoft.CognitiveServices/accounts/deployments",
        "sku": {"name": "Standard", "capacity": 1},
        "properties": {
            "model": {"format": "OpenAI", "name": model, "version": version},
            "provisioningState": state,
            **extra,
        },
        "systemData": {"createdAt": "2026-11-22T10:00:00.1234567Z"},
    }


def not_found(code: str) -> Reply:
    return Reply({"error": {"code": code, "message": "no"}}, 404)


def resource(
    *standing: Any, chat: Callable[[], Reply] | None = None, put: Reply | None = None
) -> Callable[[Asked], Reply]:
    """A server's script: these stand, and chat answers so to a request without messages."""

    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/chat/completions"):
            return chat() if chat else Reply({"error": {"code": "400", "message": "empty"}}, 400)
        if asked.path == DEPLOYMENTS:
            return Reply({"value": list(standing)})
        name = asked.path.rpartition("/")[2]
        if asked.method == "PUT":
            return put or Reply(deployed(name, state="Accepted"), 201)
        if asked.method == "DELETE":
            return Reply(b"", 202)
        found = [each for each in standing if each["name"] == name]
        return Reply(found[0]) if found else not_found("ResourceNotFound")

    return answer


def azure(server: ScriptedServer, **options: Any) -> AzureProvider:
    """The adapter, with a key for the data plane and a token in a variable."""
    origin = f"http://127.0.0.1:{server.port}"
    capabilities = options.pop("capabilities", {})
    usual = {**PLACE, "management_url": origin, "management_token_env": TOKEN_ENV}
    account = Account.model_validate(
        {
            "dialect": "azure",
            "base_url": f"{origin}/openai/v1",
            "capabilities": capabilities,
            "options": {name: value for name, value in {**usual, **options}.items() if value},
        }
    )
    return AzureProvider("azure", account, SecretStr(KEY), 10.0)
