"""An in-house trainer of the OpenAI shape: an account by configuration alone, without code."""

from tests.contracts.provider_benches import SandboxBench

from tuneq_shared.settings import Account

_CAPABILITIES = {
    "metadata": False,
    "metadata_filter": False,
    "hyperparameters_in": "job",
    "suffix_length": 20,
    "metrics": "checkpoints",
    "file_wait": False,
    "batch": False,
    "plain_file_bytes": 10**9,
    "largest_file_bytes": 10**9,
}


class TrainerBench(SandboxBench):
    """It forgets metadata, and takes hyperparameters beside the method."""

    keeps_labels = False

    def account(self, *, part_bytes: int | None = None) -> Account:
        del part_bytes
        fields = {"base_url": self._server.url, "capabilities": _CAPABILITIES}
        return Account.model_validate(fields)


BENCH = TrainerBench
