"""Functions measured in processes of their own, and tables of what came out."""

import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

_UNITS_PER_MB = 1024 if sys.platform != "darwin" else 1024 * 1024  # KiB, or bytes on a Mac


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a function took, in a process that did nothing else."""

    name: str
    count: int  # of what it worked through
    wall_s: float
    cpu_s: float  # user and system
    peak_mb: float  # of the whole process, imports included
    result: Any

    @property
    def per_s(self) -> float:
        """Worked through in a second of CPU."""
        return self.count / self.cpu_s


def measured(name: str, count: int, work: Callable[..., Any], *arguments: Any) -> Measured:
    """Call a function of a module in a fresh process; what it answers is passed back."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        wall_s, cpu_s, peak_mb, result = pool.submit(_timed, work, *arguments).result()
    return Measured(
        name=name, count=count, wall_s=wall_s, cpu_s=cpu_s, peak_mb=peak_mb, result=result
    )


def print_table(title: str, measures: Sequence[Measured], *, against: str) -> None:
    """Print measures, each with its ratio to the one named `against`; of CPU, for wall is noisy."""
    base = next(measure for measure in measures if measure.name == against)
    print(f"\n{title}")
    width = max(len(measure.name) for measure in measures)
    print(f"{'':<{width}}  {'CPU s':>8}  {'wall s':>8}  {'per CPU s':>12}  {'MB':>6}  ratio")
    for measure in measures:
        print(
            f"{measure.name:<{width}}  {measure.cpu_s:>8.2f}  {measure.wall_s:>8.2f}  "
            f"{measure.per_s:>12,.0f}  {measure.peak_mb:>6.0f}  {measure.per_s / base.per_s:>5.1f}"
        )


def _timed(work: Callable[..., Any], *arguments: Any) -> tuple[float, float, float, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work(*arguments)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return wall, cpu, peak / _UNITS_PER_MB, result
