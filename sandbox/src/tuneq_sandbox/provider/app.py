"""The provider put together: stores, jobs, routes."""

from collections.abc import AsyncIterator

from aiohttp import web

from tuneq_sandbox.provider import middlewares
from tuneq_sandbox.provider.job_runner import RUNNER, JobRunner
from tuneq_sandbox.provider.routes import chat, files, jobs, models, sandbox, uploads
from tuneq_sandbox.provider.state import STATE, State
from tuneq_sandbox.provider.trainer_pool import TrainerPool

MAX_JSON_BYTES = 16 << 20
_JOBS = "/v1/fine_tuning/jobs"


def make_app(state: State) -> web.Application:
    """The application on an open state; it closes the state at its end."""
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
    app.add_routes(
        [
            web.post("/v1/chat/completions", chat.complete_chat),
            web.get("/v1/models", models.list_models),
            web.get("/v1/models/{model}", models.get_model),
            web.post("/v1/files", files.create_file),
            web.get("/v1/files", files.list_files),
            web.get("/v1/files/{file_id}", files.get_file),
            web.delete("/v1/files/{file_id}", files.delete_file),
            web.get("/v1/files/{file_id}/content", files.get_content),
            web.post("/v1/uploads", uploads.create_upload),
            web.post("/v1/uploads/{upload_id}/parts", uploads.add_part),
            web.post("/v1/uploads/{upload_id}/complete", uploads.complete_upload),
            web.post("/v1/uploads/{upload_id}/cancel", uploads.cancel_upload),
            web.post(_JOBS, jobs.create_job),
            web.get(_JOBS, jobs.list_jobs),
            web.get(_JOBS + "/{job_id}", jobs.get_job),
            web.post(_JOBS + "/{job_id}/cancel", jobs.cancel_job),
            web.get(_JOBS + "/{job_id}/events", jobs.list_events),
            web.get(_JOBS + "/{job_id}/checkpoints", jobs.list_checkpoints),
            web.get("/sandbox/faults", sandbox.get_faults),
            web.put("/sandbox/faults", sandbox.put_faults),
            web.get("/sandbox/stats", sandbox.get_stats),
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
