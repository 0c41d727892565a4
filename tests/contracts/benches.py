"""The benches of all dialects, by name."""

from importlib import import_module
from pathlib import Path

from tests.contracts.provider_benches import SandboxBench

DIALECTS = sorted(
    path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py")
)


def bench_of(dialect: str) -> type[SandboxBench]:
    """The bench of a dialect, still closed."""
    bench: type[SandboxBench] = import_module(f"tests.contracts.bench_{dialect}").BENCH
    return bench
