"""The OpenAI dialect."""

from tests.contracts.provider_benches import SandboxBench

BENCH = SandboxBench
