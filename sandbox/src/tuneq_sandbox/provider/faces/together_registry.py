"""Together's projects, and the models in them or offered to them."""

from collections.abc import Sequence

from aiohttp import web

from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.faces.together_job_words import is_done
from tuneq_sandbox.provider.faces.together_words import PROJECT, SLUG, missing, page
from tuneq_sandbox.provider.state import STATE, State

_V2 = f"/v2/projects/{PROJECT}"


def routes() -> Sequence[web.RouteDef]:
    """What the SDK calls to look models up."""
    return [
        web.get("/v3/whoami", whoami),
        web.get("/v2/supported-models", list_supported),
        web.get(_V2 + "/models/{model_id}", get_model),
        web.get(_V2 + "/configs", list_configs),
    ]


async def whoami(request: web.Request) -> web.Response:
    """Whose key it is."""
    del request
    project = {"id": PROJECT, "name": "sandbox", "slug": SLUG}
    return json_response(
        {
            "type": "project_api_key",
            "api_key": {"id": "key_sandbox"},
            "organization": {"id": "org_sandbox", "name": "sandbox"},
            "project": project,
        }
    )


async def list_supported(request: web.Request) -> web.Response:
    """The base models, which answer without a deployment."""
    wanted = request.query.get("search", "").lower()
    names = [n for n in request.app[STATE].config.base_models if wanted in n.lower()]
    return page(
        request,
        [
            {
                "id": f"sm_{name}",
                "name": name,
                "displayName": name,
                "products": ["PRODUCT_SERVERLESS", "PRODUCT_FINE_TUNING"],
                "serverlessEndpoint": name,
                "deploymentProfiles": [],
                "status": "SUPPORTED_MODEL_STATUS_SUPPORTED",
            }
            for name in names
        ],
    )


async def get_model(request: web.Request) -> web.Response:
    """A tuned model in the registry."""
    model_id = request.match_info["model_id"]
    weights_of(request.app[STATE], f"projects/{PROJECT}/models/{model_id}")
    return json_response(
        {
            "id": model_id,
            "name": f"{SLUG}/{model_id}",
            "projectId": PROJECT,
            "baseModelId": "ml_base",
            "weights": {"type": "WEIGHTS_TYPE_DEFAULT"},
        }
    )


async def list_configs(request: web.Request) -> web.Response:
    """Ways to run a model: one for a model alone, one that loads adapters."""
    modes = {"cr_adapters": "dynamic", "cr_alone": "disabled"}
    return page(
        request,
        [
            {
                "id": config_id,
                "projectId": "proj_public",
                "referenceModelId": request.query.get("referenceModelId"),
                "selectors": [{"key": "adapter_mode", "value": mode}],
            }
            for config_id, mode in modes.items()
        ],
    )


def weights_of(state: State, path: str) -> str:
    """The engine's name of the model with that resource name."""
    model_id = path.partition("/models/")[2].partition("/")[0]
    try:
        job = state.jobs.get(f"ft-{model_id.removeprefix('ml_')}")
    except ApiError:
        raise missing("model", path) from None
    if not is_done(job) or job.fine_tuned_model is None:
        raise missing("model", path)
    return job.fine_tuned_model
