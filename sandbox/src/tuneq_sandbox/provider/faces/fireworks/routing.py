"""Which address does what."""

from collections.abc import Sequence

from aiohttp import web

from tuneq_sandbox.provider.errors import ApiError
from tuneq_sandbox.provider.faces.fireworks import datasets, deployments, jobs, models
from tuneq_sandbox.provider.faces.fireworks.errors import chat_shaped
from tuneq_sandbox.provider.faces.fireworks.names import SIGNED
from tuneq_sandbox.provider.routes.chat import complete_chat

_ACCOUNT = "/v1/accounts/{account}"
_DATASETS = _ACCOUNT + "/datasets"
_DATASET = _DATASETS + "/{dataset:[^/:]+}"
_JOBS = _ACCOUNT + "/supervisedFineTuningJobs"
_JOB = _JOBS + "/{job:[^/:]+}"
_DEPLOYMENTS = _ACCOUNT + "/deployments"
_DEPLOYMENT = _DEPLOYMENTS + "/{deployment:[^/:]+}"


def routes() -> Sequence[web.RouteDef]:
    """All routes."""
    return [
        web.post("/inference/v1/chat/completions", _complete_chat),
        web.post(_DATASETS, datasets.create_dataset),
        web.get(_DATASETS, datasets.list_datasets),
        web.get(_DATASET, datasets.get_dataset),
        web.delete(_DATASET, datasets.delete_dataset),
        web.post(_DATASET + ":upload", datasets.upload),
        web.post(_DATASET + ":getUploadEndpoint", datasets.sign_upload),
        web.post(_DATASET + ":validateUpload", datasets.validate_upload),
        web.get(_DATASET + ":getDownloadEndpoint", datasets.sign_download),
        web.put(SIGNED + "datasets/{dataset}", datasets.put_content),
        web.get(SIGNED + "datasets/{dataset}", datasets.get_content),
        web.post(_JOBS, jobs.create_job),
        web.get(_JOBS, jobs.list_jobs),
        web.get(_JOB, jobs.get_job),
        web.post(_JOB + ":cancel", jobs.cancel_job),
        web.get(SIGNED + "metrics/{job}", jobs.get_metrics),
        web.post(_DEPLOYMENTS, deployments.create_deployment),
        web.get(_DEPLOYMENTS, deployments.list_deployments),
        web.get(_DEPLOYMENT, deployments.get_deployment),
        web.delete(_DEPLOYMENT, deployments.delete_deployment),
        web.post(_DEPLOYMENT + ":undelete", deployments.undelete_deployment),
        web.get(_ACCOUNT + "/models", models.list_models),
        web.get(_ACCOUNT + "/models/{model}", models.get_model),
    ]


async def _complete_chat(request: web.Request) -> web.Response:
    try:
        return await complete_chat(request)
    except ApiError as error:
        return chat_shaped(error)
