"""Listening until told to stop."""

import asyncio
import json
import signal
import sys
from pathlib import Path

from aiohttp import web

from tuneq_sandbox.provider.app import make_app
from tuneq_sandbox.provider.config import ProviderConfig
from tuneq_sandbox.provider.faces.registry import face_of
from tuneq_sandbox.provider.folder import Folder
from tuneq_sandbox.provider.state import State
from tuneq_shared.errors import ConfigurationError

SHUTDOWN_S = 2.0
"""Requests in flight may take so long at the end."""


async def serve(config: ProviderConfig, directory: Path, keys: frozenset[str]) -> None:
    """Serve until SIGTERM or SIGINT; prints one JSON line on stdout once it listens.

    Raises:
        ConflictError: another server holds the folder.
        ConfigurationError: the address is taken.
    """
    face = face_of(config.dialect)
    if face.demo_model not in config.base_models:
        models = (*config.base_models, face.demo_model)
        config = config.model_copy(update={"base_models": models})
    state = State.open(config, Folder(directory), keys)
    runner = web.AppRunner(
        make_app(state, face),
        access_log=None,
        handle_signals=False,
        shutdown_timeout=SHUTDOWN_S,
        handler_cancellation=False,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await runner.setup()
    try:
        site = web.TCPSite(runner, config.host, config.port, backlog=1024)
        try:
            await site.start()
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {config.host}:{config.port}: {error.strerror}",
                hint="give another --port, or 0 for any free one",
            ) from error
        host, port = runner.addresses[0][:2]
        ready = {"event": "ready", "url": f"http://{host}:{port}{face.path}"}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await runner.cleanup()
