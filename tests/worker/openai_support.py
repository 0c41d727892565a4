"""A server on this machine that answers by script and keeps what it was asked."""

import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from tuneq_shared.redis_store.connection import connect
from tuneq_shared.settings import Account
from tuneq_worker.providers.openai.adapter import OpenAIProvider

KEY = "sk-test-0123456789abcdef"
JOBS = "/v1/fine_tuning/jobs"


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # by lower-case name
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What to answer; with `drop` the connection is closed without a word."""

    body: Any = None  # bytes as they are, the rest as JSON
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


def refusal(status: int, message: str = "no", headers: dict[str, str] | None = None) -> Reply:
    return Reply({"error": {"message": message, "type": "t", "code": None}}, status, headers or {})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # clients may go away
            super().handle_error(request, client_address)


class ScriptedServer:
    """Asks `script` for the reply to each request."""

    def __init__(self, script: Callable[[Asked], Reply]) -> None:
        self.asked: list[Asked] = []
        self.script = script
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                parts = urlsplit(self.path)
                asked = Asked(
                    method=self.command,
                    path=parts.path,
                    query={name: values[0] for name, values in parse_qs(parts.query).items()},
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=self.rfile.read(length) if length else self._chunks(),
                )
                server.asked.append(asked)
                reply = server.script(asked)
                if reply.drop:
                    self.close_connection = True
                    return
                raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body)
                data = raw if isinstance(raw, bytes) else raw.encode()
                self.send_response(reply.status)
                headers = {"content-type": "application/json", **reply.headers}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _chunks(self) -> bytes:
                body = b""
                if self.headers.get("transfer-encoding") == "chunked":
                    while size := int(self.rfile.readline(), 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                return body

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - the base class looks them up by these names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_port

    def posts(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.method == "POST"]

    def provider(self, timeout_s: float = 10.0) -> OpenAIProvider:
        return provider_at(self.port, timeout_s)


class CountedBytes(io.BytesIO):
    """Notes the largest piece that was read at once."""

    largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self.largest = max(self.largest, len(piece))
        return piece


def provider_at(port: int, timeout_s: float = 10.0) -> OpenAIProvider:
    """The adapter for the account `lab` on this machine."""
    account = Account(base_url=f"http://127.0.0.1:{port}/v1")
    return OpenAIProvider("lab", account, SecretStr(KEY), timeout_s)


@contextmanager
def configured_lab(
    name: str,
    answer: Callable[[Asked], Reply],
    *,
    redis_url: str,
    store_prefix: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """The configuration of a worker that has the key of a scripted account, for commands here."""
    config = folder / "tuneq.toml"
    with ExitStack() as opened, ScriptedServer(answer) as server:
        config.write_text(
            f'redis_url = "{redis_url}"\nkey_prefix = "{store_prefix}"\ndata_url = "data"\n'
            f'[accounts.{name}]\nbase_url = "http://127.0.0.1:{server.port}/v1"\n'
            'api_key_env = "LAB_KEY"\n'
        )
        monkeypatch.setenv("TUNEQ_CONFIG", str(config))
        monkeypatch.setenv("LAB_KEY", KEY)
        monkeypatch.setattr(
            "tuneq_worker.bootstrap.connect", lambda url: opened.enter_context(connect(url))
        )
        yield config


def job_document(job_id: str = "ftjob-1", **fields: Any) -> dict[str, Any]:
    """A job as OpenAI would show it, changed in some fields."""
    return {
        "object": "fine_tuning.job",
        "id": job_id,
        "created_at": 1000,
        "status": "queued",
        "model": "gpt-4.1-mini-2025-04-14",
        "fine_tuned_model": None,
        "error": {},
        "metadata": None,
        "result_files": [],
        "training_file": "file-1",
        "trained_tokens": None,
        **fields,
    }


def page(entries: list[dict[str, Any]], *, more: bool = False) -> Reply:
    return Reply({"object": "list", "data": entries, "has_more": more})
