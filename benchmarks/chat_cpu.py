"""CPU for each completion: an evaluator of the whole system against AsyncOpenAI with a semaphore.

uv run python -m benchmarks.chat_cpu [--samples N]
"""

import click

from benchmarks.chat_server import Options
from benchmarks.fleet import chat_server, fleet, table
from benchmarks.sdk_client import run_sdk
from tuneq_shared.settings import Limits

PLENTY = 1_200_000  # a minute: the limiter is asked, and never the one who is waited for


@click.command()
@click.option("--samples", default=9000, show_default=True)
@click.option("--latency", default=0.05, show_default=True, help="Seconds of an answer.")
def main(samples: int, latency: float) -> None:
    """Print CPU milliseconds for each completion."""
    options = Options(latency_s=latency)
    with fleet(options, Limits(requests_per_minute=PLENTY), evaluators=1) as system:
        system.evaluate(600, "warm")
        before = system.cpu_s()
        evaluation, seconds = system.evaluate(samples)
        cpu = (system.cpu_s() - before) / samples
        lost = samples - evaluation.counts.correct
    with chat_server(options) as url:
        sdk = run_sdk(url, samples)
    other = sdk.cpu_s / samples
    table(
        [
            ("client", "CPU ms a completion", "ratio", "completions/s", "lost"),
            ("tuneq, one evaluator", cpu * 1e3, cpu / other, samples / seconds, lost),
            ("AsyncOpenAI, semaphore 64", other * 1e3, 1.0, samples / sdk.seconds, sdk.lost),
        ]
    )


if __name__ == "__main__":
    main()
