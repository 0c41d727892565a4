"""From the flags of `tuneq submit` to a request, as it would stand in a manifest."""

from typing import Any

import click

from tuneq_shared.intake.secrets import without_secrets

_EVALUATION = ("baselines", "scorer", "max_tokens", "temperature", "limit")


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
    knobs = {
        name: flags[name]
        for name in ("n_epochs", "batch_size", "learning_rate_multiplier")
        if name in flags
    }
    if knobs:
        request["method"] = {"supervised": {"hyperparameters": knobs}}
    if "samples" in flags:
        seed = flags.get("sample_seed", flags.get("seed", 0))
        request["samples"] = {"n": flags["samples"], "seed": seed}
    elif "sample_seed" in flags:
        raise click.UsageError("'--sample-seed' needs '--samples'.")
    measure = {name: flags[name] for name in _EVALUATION if name in flags}
    if "dataset" in flags:
        request["evaluation"] = {"dataset": flags["dataset"], **measure}
    elif measure:
        flag = next(iter(measure)).removesuffix("s" if "baselines" in measure else "")
        raise click.UsageError(f"'--{flag.replace('_', '-')}' needs '--evaluate'.")
    return request


class BaselineType(click.ParamType[dict[str, Any]]):
    """MODEL[:SHOTS]. Only a number behind the last colon is shots: model names hold colons."""

    name = "MODEL[:SHOTS]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """Split off the shots."""
        del param, ctx
        model, _, shots = str(value).rpartition(":")
        if model and shots.isascii() and shots.isdecimal():
            return {"model": model, "shots": int(shots)}
        return {"model": value}


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
