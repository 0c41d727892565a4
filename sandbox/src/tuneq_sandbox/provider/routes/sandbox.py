"""The routes under /sandbox: what only this provider has, for tests and demonstrations."""

from dataclasses import asdict

from aiohttp import web

from tuneq_sandbox.provider.body import read_body
from tuneq_sandbox.provider.errors import json_response
from tuneq_sandbox.provider.faults import FaultPlan
from tuneq_sandbox.provider.state import STATE


async def get_faults(request: web.Request) -> web.Response:
    """The faults in force."""
    return json_response(request.app[STATE].faults.describe())


async def put_faults(request: web.Request) -> web.Response:
    """Replace all faults; a restart goes back to the configured ones."""
    plan = await read_body(request, FaultPlan)
    faults = request.app[STATE].faults
    faults.replace(plan)
    return json_response(faults.describe())


async def get_books(request: web.Request) -> web.Response:
    """All files that are there and all deployments that ever were, in the engine's own words."""
    state = request.app[STATE]
    return json_response(
        {
            "files": [
                {"id": file.id, "filename": file.filename, "purpose": file.purpose}
                for file in state.files.all()
            ],
            "deployments": [asdict(each) for each in state.deployments.all()],
        }
    )


async def get_stats(request: web.Request) -> web.Response:
    """Counts since the start, and the number of jobs ever accepted in this folder."""
    state = request.app[STATE]
    active = {model: state.jobs.count_active(model) for model in state.config.base_models}
    return json_response(
        {
            **state.stats.describe(),
            "jobs": state.jobs.count(),
            "batches": state.batches.count(),
            "active_jobs": {model: jobs for model, jobs in active.items() if jobs},
        }
    )
