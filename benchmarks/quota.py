"""How much of an account's quota the whole system uses: Redis, Celery, two evaluator processes.

    uv run python -m benchmarks.quota [--rpm N] [--seconds S] [--bucket second] [--bound tokens]

The least time follows from the bucket: what is asked for, less a full bucket, at its rate, and one
latency. The quota used is that over the time from the first call to the last answer; `whole` is
that over the time from asking for the evaluation to its result.
"""

from dataclasses import dataclass

import click

from benchmarks.chat_server import Options
from benchmarks.fleet import chat_server, fleet, server_stats, table
from benchmarks.sdk_client import run_sdk
from tuneq_shared.settings import Limits

LATENCY_S = 0.3
CALL_TOKENS = 58  # as the server counts: 200 characters, and 8 for the answer
BURSTS = {"second": 1.0, "minute": 60.0}
HEAD = (
    "client",
    "bucket",
    "bound by",
    "calls",
    "least s",
    "s",
    "quota",
    "whole",
    "429s",
    "lost",
    "ms",
)


@dataclass(frozen=True)
class Case:
    """What a server allows, and how much is asked of it."""

    rpm: int
    bucket: str
    bound: str
    seconds: float

    @property
    def calls(self) -> int:
        """So many that the least time is that long."""
        return round(self.rpm / 60 * (self.seconds + BURSTS[self.bucket]))

    @property
    def limits(self) -> Limits:
        """As somebody would configure them."""
        if self.bound == "tokens":
            return Limits(requests_per_minute=2 * self.rpm, tokens_per_minute=self.tpm)
        return Limits(requests_per_minute=self.rpm)

    @property
    def tpm(self) -> int:
        """Tokens of that many calls."""
        return self.rpm * CALL_TOKENS

    @property
    def options(self) -> Options:
        """The same for the server."""
        return Options(
            requests_per_minute=self.limits.requests_per_minute,
            tokens_per_minute=self.limits.tokens_per_minute,
            burst_s=BURSTS[self.bucket],
            latency_s=LATENCY_S,
        )


def run_tuneq(case: Case, *, told: bool) -> tuple[object, ...]:
    """A row; with limits that are told in the configuration, or learnt from headers alone."""
    with fleet(case.options, case.limits if told else Limits()) as system:
        before = system.cpu_s()
        evaluation, whole_s = system.evaluate(case.calls)
        cpu = system.cpu_s() - before
        seen = system.stats()
    name = "tuneq" if told else "tuneq, limits learnt"
    lost = case.calls - evaluation.counts.correct
    return _row(name, case, seen=seen, whole_s=whole_s, lost=lost, cpu_s=cpu)


def run_alternative(case: Case) -> tuple[object, ...]:
    """A row."""
    with chat_server(case.options) as url:
        result = run_sdk(url, case.calls)
        seen = server_stats(url)
    return _row(
        "AsyncOpenAI, 64",
        case,
        seen=seen,
        whole_s=result.seconds,
        lost=result.lost,
        cpu_s=result.cpu_s,
    )


def _row(
    name: str, case: Case, *, seen: dict[str, float], whole_s: float, lost: int, cpu_s: float
) -> tuple[object, ...]:
    # Who loses calls is measured by those that were answered.
    kept = case.calls - lost
    least_s = max(0.0, kept * 60 / case.rpm - BURSTS[case.bucket]) + LATENCY_S
    quota, whole = least_s / seen["seconds"], least_s / whole_s
    refused = f"{seen['refused']:.0f} ({100 * seen['refused'] / case.calls:.2g} %)"
    return (
        name, case.bucket, case.bound, case.calls, least_s, seen["seconds"],
        round(quota, 3), round(whole, 3), refused, lost, 1000 * cpu_s / case.calls,
    )  # fmt: skip


@click.command()
@click.option("--rpm", default=3000, show_default=True)
@click.option("--seconds", default=60.0, show_default=True, help="The least time.")
@click.option("--bucket", type=click.Choice([*BURSTS]), multiple=True, default=[*BURSTS])
@click.option(
    "--bound",
    type=click.Choice(["requests", "tokens"]),
    multiple=True,
    default=["requests", "tokens"],
)
@click.option("--alternative/--no-alternative", default=True)
@click.option("--told/--learnt", default=True, help="Whether the limits are configured.")
def main(
    *,
    rpm: int,
    seconds: float,
    bucket: tuple[str, ...],
    bound: tuple[str, ...],
    alternative: bool,
    told: bool,
) -> None:
    """Print the share of the quota for every bucket and bound."""
    rows: list[tuple[object, ...]] = [HEAD]
    for each in (Case(rpm, b, u, seconds) for u in bound for b in bucket):
        rows.append(run_tuneq(each, told=told))
        if alternative:
            rows.append(run_alternative(each))
    table(rows)


if __name__ == "__main__":
    main()
