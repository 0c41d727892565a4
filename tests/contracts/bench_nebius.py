"""The Nebius dialect: its checkpoints are named by no model, and its framework words errors."""

from tests.contracts.provider_benches import REFUSALS, ROUTES, SandboxBench

from tuneq_shared.domain.failure import ErrorKind

_REFUSALS = {
    **REFUSALS,
    ErrorKind.MODERATION: {"status": 400, "message": "It is against the content policy."},
    ErrorKind.NOT_READY: {"status": 400, "message": "File 'file-1' is not ready."},
}


class NebiusBench(SandboxBench):
    """What stands in a `code` elsewhere is a status or a sentence here."""

    dialect = "nebius"
    base_model = "meta-llama/Llama-3.1-8B-Instruct"
    keeps_labels = False
    refusals = _REFUSALS
    routes = ROUTES | {"deploy": ("POST", "/v0/models")}


BENCH = NebiusBench
