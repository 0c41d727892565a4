"""From the flags of `tuneq sweep` to one request for each point of the grid."""

import re
from collections.abc import Iterator
from itertools import chain, product
from typing import Any

import click
import orjson

from tuneq_producer.manifest.row import Row
from tuneq_producer.submission.flags import LabelType, request_of_flags, value_of
from tuneq_shared.domain.request import short_id

_AXES = {
    "model": "",
    "samples": "samples-",
    "n_epochs": "epochs-",
    "batch_size": "batch-size-",
    "learning_rate_multiplier": "learning-rate-multiplier-",
    "seed": "seed-",
}
"""What a sweep may vary beside other hyperparameters, and how a run's name tells it."""
_LONGEST = 128
_ODD = re.compile(r"[^A-Za-z0-9._:@+-]")


def grid_rows(given: dict[str, Any]) -> Iterator[Row]:
    """The requests of all points, each under a name that tells its point.

    The name says every axis that is given, were it with one value only: so a point is the same run
    in a larger grid, too. Samples of one seed are nested.

    Args:
        given: the values of the flags by their parameters' names; of the axes, tuples of tuples.

    Raises:
        click.UsageError: a flag is missing, or stands without the one that it belongs to.
    """
    axes = [_axis(name, chain.from_iterable(given.get(name) or ())) for name in _AXES]
    knobs: dict[str, list[Any]] = {}
    for name, values in given.get("hyperparameters") or ():
        knobs.setdefault(name, []).extend(values)
    others = [_axis(name, values) for name, values in knobs.items()]
    same = {name: value for name, value in given.items() if name not in _AXES}
    for point in product(*filter(None, axes)):
        for chosen in product(*others):
            name = _name([*point, *chosen])
            flags = {**same, **dict(point), "hyperparameters": chosen, "name": name}
            yield Row(name, request_of_flags(flags))


class Several(click.ParamType[tuple[Any, ...]]):
    """Values with commas between them."""

    def __init__(self, each: click.ParamType[Any]) -> None:
        self._each = each
        self.name = f"{each.name},..."

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        """Each of the values."""
        parts = [part.strip() for part in str(value).split(",")]
        if not all(parts):
            self.fail(f"{value!r} has an empty value between its commas", param, ctx)
        return tuple(self._each.convert(part, param, ctx) for part in parts)


class SeveralHyperparameters(click.ParamType[tuple[str, tuple[Any, ...]]]):
    """K=V,V: a hyperparameter, and the values that it takes in turn."""

    name = "K=V,..."

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[Any, ...]]:
        """Split at the first equals sign, and at the commas."""
        name, content = LabelType().convert(value, param, ctx)
        return name, tuple(map(value_of, Several(click.STRING).convert(content, param, ctx)))


def _axis(name: str, values: Any) -> list[tuple[str, Any]]:
    return [(name, value) for value in dict.fromkeys(values)]


def _name(point: list[tuple[str, Any]]) -> str:
    """As a run may be called; what is too long ends in a digest of the whole."""
    words = [f"{_AXES.get(name, f'{name}-')}{_word(value)}" for name, value in point]
    name = _ODD.sub("-", "-".join(words)).lstrip("-._:@+")
    if len(name) <= _LONGEST:
        return name
    digest = short_id("\n".join(words))
    return f"{name[: _LONGEST - len(digest) - 1]}-{digest}"


def _word(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
