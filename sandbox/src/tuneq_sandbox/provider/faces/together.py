"""Together's face: its files, jobs, models and dedicated endpoints. Source: its SDK, 3.1.1."""

from aiohttp import web

from tuneq_sandbox.provider.faces import together_files, together_jobs
from tuneq_sandbox.provider.faces.face import Face
from tuneq_sandbox.provider.faces.together_endpoints import Endpoints
from tuneq_sandbox.provider.routes import chat

_endpoints = Endpoints()


def routes() -> list[web.RouteDef]:
    """All that the adapter calls."""
    return [
        web.post("/v1/chat/completions", chat.complete_chat),
        *together_files.routes(),
        *together_jobs.routes(),
        *_endpoints.routes(),
    ]


FACE = Face(
    routes=routes,
    demo_model="meta-llama/Meta-Llama-3.1-8B-Instruct-Reference",
    called=_endpoints.called,
)
