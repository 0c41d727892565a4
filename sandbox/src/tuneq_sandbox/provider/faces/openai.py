"""The face that the engine has by nature."""

from collections.abc import Sequence

from aiohttp import web

from tuneq_sandbox.provider.faces.face import Face
from tuneq_sandbox.provider.routes import batches, chat, files, jobs, models, uploads

_JOBS = "/fine_tuning/jobs"


def openai_routes(path: str = "/v1") -> Sequence[web.RouteDef]:
    """Files, uploads, jobs, models and chat under a path."""
    return [
        web.post(path + "/chat/completions", chat.complete_chat),
        web.get(path + "/models", models.list_models),
        web.get(path + "/models/{model}", models.get_model),
        web.post(path + "/files", files.create_file),
        web.get(path + "/files", files.list_files),
        web.get(path + "/files/{file_id}", files.get_file),
        web.delete(path + "/files/{file_id}", files.delete_file),
        web.get(path + "/files/{file_id}/content", files.get_content),
        web.post(path + "/uploads", uploads.create_upload),
        web.post(path + "/uploads/{upload_id}/parts", uploads.add_part),
        web.post(path + "/uploads/{upload_id}/complete", uploads.complete_upload),
        web.post(path + "/uploads/{upload_id}/cancel", uploads.cancel_upload),
        web.post(path + "/batches", batches.create_batch),
        web.get(path + "/batches", batches.list_batches),
        web.get(path + "/batches/{batch_id}", batches.get_batch),
        web.post(path + "/batches/{batch_id}/cancel", batches.cancel_batch),
        web.post(path + _JOBS, jobs.create_job),
        web.get(path + _JOBS, jobs.list_jobs),
        web.get(path + _JOBS + "/{job_id}", jobs.get_job),
        web.post(path + _JOBS + "/{job_id}/cancel", jobs.cancel_job),
        web.get(path + _JOBS + "/{job_id}/events", jobs.list_events),
        web.get(path + _JOBS + "/{job_id}/checkpoints", jobs.list_checkpoints),
    ]


FACE = Face(routes=openai_routes)
