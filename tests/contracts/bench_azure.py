"""The Azure dialect: another path, and a management beside it, let in by a token in a file."""

from pathlib import Path
from typing import Self
from urllib.parse import urljoin

from tests.contracts.provider_benches import COUNTED, ROUTES, SandboxBench
from tests.sandbox.provider_server import KEY

from tuneq_sandbox.provider.faces.azure_management import OPTIONS

_PATH = "/openai"
_ROUTES = {call: (method, _PATH + path) for call, (method, path) in ROUTES.items()}
_DEPLOY = ("PUT", "/subscriptions/*/deployments/*")
_COUNTED = {call: line.replace(" ", f" {_PATH}", 1) for call, line in COUNTED.items()}


class AzureBench(SandboxBench):
    """The token for the management is the key that the data plane takes."""

    dialect = "azure"
    routes = _ROUTES | {"deploy": _DEPLOY}
    counted = _COUNTED

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._token = folder / "token"

    def __enter__(self) -> Self:
        super().__enter__()
        self._token.write_text(KEY)
        self.options = {
            **OPTIONS,
            "management_url": urljoin(self._server.url, "/"),
            "management_token_file": str(self._token),
            "training_type": "GlobalStandard",
        }
        return self


BENCH = AzureBench
