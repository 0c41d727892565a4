"""Two evaluations at once, one a hundred times larger: how much later does the small one end?

uv run python -m benchmarks.fairness
"""

import threading
import time
from contextlib import suppress

import click
from redis.exceptions import RedisError

from benchmarks.chat_server import Options
from benchmarks.fleet import Fleet, fleet, table
from tuneq_shared.errors import TuneqError
from tuneq_shared.settings import Limits

RPM = 3000


@click.command()
@click.option("--small", default=300, show_default=True, help="Samples of the small one.")
@click.option("--times", default=100, show_default=True, help="The other is so much larger.")
def main(small: int, times: int) -> None:
    """Print the small one's seconds, alone and beside the large one, asked for at once and late."""
    rows: list[tuple[object, ...]] = [("small evaluation", "s", "times alone")]
    options = Options(requests_per_minute=RPM)
    with fleet(options, Limits(requests_per_minute=RPM)) as system:
        _, alone = system.evaluate(small, "alone")
        rows.append(("alone", alone, 1.0))
        large = threading.Thread(target=_large, args=(system, small * times), daemon=True)
        large.start()
        for name, pause_s in (("at once", 0.0), ("10 s later", 10.0)):
            time.sleep(pause_s)
            _, beside = system.evaluate(small, name.replace(" ", "-"))
            rows.append((name, beside, beside / alone))
        if not large.is_alive():
            raise RuntimeError("the large one ended before the small ones")
    table(rows)


def _large(system: Fleet, samples: int) -> None:
    with suppress(RedisError, TuneqError):  # the benchmark ends before it does
        system.evaluate(samples, "large")


if __name__ == "__main__":
    main()
