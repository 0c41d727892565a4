"""From the flags of `tuneq submit` to a request, as it would stand in a manifest."""

import re
from typing import Any

import click
import orjson

from tuneq_shared.intake.secrets import without_secrets

_EVALUATION = (
    "baselines",
    "scorer",
    "scorer_options",
    "max_tokens",
    "temperature",
    "limit",
    "mode",
    "system",
    "prompt",
)

_SEVERAL = {"baselines", "scorer_options"}  # flags that may be given again are called after one
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


def request_of_flags(given: dict[str, Any]) -> dict[str, Any]:
    """The request; what is not given is left out.

    Args:
        given: the values of the flags by their parameters' names; None or empty is not given.

    Raises:
        click.UsageError: a flag is missing, or stands without the one that it belongs to.
    """
    flags = {name: value for name, value in given.items() if value not in (None, ())}
    for name, flag in (("training_file", "--train"), ("model", "--model")):
        if name not in flags:
            raise click.UsageError(f"Missing option '{flag}', or '--manifest'.")
    request: dict[str, Any] = {
        name: flags[name]
        for name in (
            "model", "training_file", "validation_file", "name", "group", "account", "suffix",
            "seed", "budget_usd", "priority", "idempotency_key",
        )
        if name in flags
    }  # fmt: skip
    if "labels" in flags:
        request["labels"] = dict(flags["labels"])
    if method := _method(flags):
        request["method"] = method
    if "samples" in flags:
        seed = flags.get("sample_seed", flags.get("seed", 0))
        request["samples"] = {"n": flags["samples"], "seed": seed}
    elif "sample_seed" in flags:
        raise click.UsageError("'--sample-seed' needs '--samples'.")
    measure = {name: flags[name] for name in _EVALUATION if name in flags}
    if "scorer_options" in measure:
        measure["scorer_options"] = dict(measure["scorer_options"])
    if "dataset" in flags:
        request["evaluation"] = {"dataset": flags["dataset"], **measure}
    elif measure:
        flag = next(iter(measure))
        flag = flag.removesuffix("s") if flag in _SEVERAL else flag
        raise click.UsageError(f"'--{flag.replace('_', '-')}' needs '--evaluate'.")
    return request


def _method(flags: dict[str, Any]) -> dict[str, Any]:
    knobs = {
        name: flags[name]
        for name in ("n_epochs", "batch_size", "learning_rate_multiplier")
        if name in flags
    } | dict(flags.get("hyperparameters", ()))
    kind = flags.get("method", "supervised")
    settings = {kind: {"hyperparameters": knobs}} if knobs else {}
    return settings if kind == "supervised" else {"type": kind, **settings}


class BaselineType(click.ParamType[dict[str, Any]]):
    """MODEL[:SHOTS][@ACCOUNT], or a table of these.

    Only a number behind the last colon is shots: model names hold colons. Where a name holds an @
    itself, `:0` behind it says where it ends.
    """

    name = "MODEL[:SHOTS][@ACCOUNT]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """Split off the account and the shots."""
        del param, ctx
        if isinstance(value, dict):
            return value
        before, _, account = str(value).rpartition("@")
        named = before and _ACCOUNT.fullmatch(account)
        asked = {"account": account} if named else {}
        rest = before if named else str(value)
        model, _, shots = rest.rpartition(":")
        if model and shots.isascii() and shots.isdecimal():
            return {"model": model, "shots": int(shots), **asked}
        return {"model": rest, **asked}


class HyperparameterType(click.ParamType[tuple[str, Any]]):
    """K=V, where V is read as in JSON: a number, true or false, or else a word."""

    name = "K=V"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Any]:
        """Split at the first equals sign."""
        name, content = LabelType().convert(value, param, ctx)
        return name, value_of(content)


def value_of(text: str) -> Any:
    """A value as JSON has it, else the text itself."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


class LabelType(click.ParamType[tuple[str, str]]):
    """K=V."""

    name = "K=V"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first equals sign."""
        name, sign, content = str(value).partition("=")
        if not (name and sign):
            self.fail(f"{without_secrets(str(value))!r} is not NAME=VALUE", param, ctx)
        return name, content


class NumberOrAuto(click.ParamType[Any]):
    """A number, or auto for the provider's choice."""

    name = "N|auto"

    def __init__(self, number: type[int] | type[float]) -> None:
        self._number = number

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | str:
        """Read the number."""
        if value == "auto":
            return "auto"
        try:
            return self._number(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor auto", param, ctx)
