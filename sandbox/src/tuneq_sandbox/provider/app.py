"""The provider put together: stores, jobs, routes."""

from collections.abc import AsyncIterator

from aiohttp import web

from tuneq_sandbox.provider import middlewares
from tuneq_sandbox.provider.batch_answers import allow_batches
from tuneq_sandbox.provider.faces.face import FACE_KEY, Face
from tuneq_sandbox.provider.job_runner import RUNNER, JobRunner
from tuneq_sandbox.provider.routes import sandbox
from tuneq_sandbox.provider.state import STATE, State
from tuneq_sandbox.provider.trainer_pool import TrainerPool

MAX_JSON_BYTES = 16 << 20


def make_app(state: State, face: Face) -> web.Application:
    """The application on an open state, in one dialect; it closes the state at its end."""
    app = web.Application(
        client_max_size=MAX_JSON_BYTES,
        middlewares=[
            middlewares.count,
            middlewares.misbehave,
            middlewares.answer_errors,
            middlewares.authorise,
        ],
    )
    app[STATE] = state
    app.cleanup_ctx.append(_run_jobs)
    allow_batches(app)
    app[FACE_KEY] = face
    app.add_routes(
        [
            *face.routes(),
            web.get("/sandbox/faults", sandbox.get_faults),
            web.put("/sandbox/faults", sandbox.put_faults),
            web.get("/sandbox/stats", sandbox.get_stats),
            web.get("/sandbox/books", sandbox.get_books),
        ]
    )
    return app


async def _run_jobs(app: web.Application) -> AsyncIterator[None]:
    state = app[STATE]
    runner = JobRunner(state, TrainerPool(state.config.trainers))
    app[RUNNER] = runner
    runner.resume()
    yield
    await runner.close()
    state.database.close()
