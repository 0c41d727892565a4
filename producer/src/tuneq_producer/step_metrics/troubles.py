"""What can be seen to have gone wrong in a training, from its step metrics."""

from collections.abc import Iterator
from math import sqrt

import pandas as pd

from tuneq_producer.step_metrics.frame import smoothed, window
from tuneq_producer.step_metrics.summary import Trouble

_JUDGED = 10  # training losses, at least
_JUDGED_VALIDATION = 3  # one an epoch
_NOISY = 8  # values from which on their noise can be told
_ERRORS = 4  # standard errors of a smoothed value that are no news
_RISE = 0.2  # of a training loss that is no divergence yet, as a share of the lowest
_RISE_VALIDATION = 0.1
_STILL = 0.02  # a change that is none


def troubles(frame: pd.DataFrame) -> Iterator[Trouble]:
    """All that is found in a table of `frame_of`. Losses are judged smoothed.

    Noise is taken from the differences of neighbours: a rise counts beyond four standard errors
    of a smoothed value.
    """
    loss = frame["train_loss"].dropna()
    full = frame["full_valid_loss"].dropna()
    validation = full if len(full) >= _JUDGED_VALIDATION else frame["valid_loss"].dropna()
    diverged = diverging(loss)
    found = missing(frame), diverged or flat(loss), overfit(loss, validation)
    yield from filter(None, found)


def missing(frame: pd.DataFrame) -> Trouble | None:
    """Steps without a training loss, or one that is no number; those of validation need none."""
    silent = frame["train_loss"].isna()
    if silent.all():
        last = int(frame.index[-1])
        return Trouble("missing", last, f"no training loss is told in any step, the last is {last}")
    validates = frame[["valid_loss", "valid_token_accuracy"]].notna().any(axis=1)
    validates |= frame[["full_valid_loss", "full_valid_token_accuracy"]].notna().any(axis=1)
    trained = frame["train_token_accuracy"].notna() | ~validates
    steps = frame.index[silent & trained]
    if steps.empty:
        return None
    first = int(steps[0])
    words = f"the training loss is missing or no number in {len(steps)} of {len(frame)} steps"
    return Trouble("missing", first, f"{words}, first in step {first}")


def diverging(loss: "pd.Series[float]") -> Trouble | None:
    """A training loss that ends well above its lowest: half of what was gained is lost again."""
    if len(loss) < _JUDGED:
        return None
    smooth = _judged(loss)
    place = int(smooth.to_numpy().argmin())
    lowest = float(smooth.iloc[place])
    gained = float(smooth.iloc[: place + 1].max()) - lowest
    limit = lowest + max(gained / 2, _RISE * abs(lowest), _ERRORS * _error(loss))
    after = smooth.iloc[place:]
    within = after <= limit
    if within.iloc[-1]:
        return None
    begun = after.iloc[int(within.to_numpy().nonzero()[0][-1]) + 1 :]
    step = int(begun.index[0])
    return Trouble(
        "diverging",
        step,
        f"the training loss diverges from step {step} on: {float(begun.iloc[-1]):.4g} in the end, "
        f"after {lowest:.4g} in step {int(smooth.index[place])}",
    )


def flat(loss: "pd.Series[float]") -> Trouble | None:
    """A training loss that is in the end what it was in the beginning."""
    if len(loss) < _JUDGED:
        return None
    width = max(3, window(len(loss)))
    begun, ended = float(loss.iloc[:width].mean()), float(loss.iloc[-width:].mean())
    if abs(ended - begun) > _STILL * abs(begun):
        return None
    first, last = int(loss.index[0]), int(loss.index[-1])
    return Trouble(
        "flat",
        first,
        f"the training loss is flat: {begun:.4g} from step {first} on, {ended:.4g} until {last}",
    )


def overfit(loss: "pd.Series[float]", validation: "pd.Series[float]") -> Trouble | None:
    """A validation loss that has risen since its lowest, while the training loss fell."""
    if len(validation) < _JUDGED_VALIDATION or loss.empty:
        return None
    smooth = _judged(validation)
    place = int(smooth.to_numpy().argmin())
    lowest, ended = float(smooth.iloc[place]), float(smooth.iloc[-1])
    if ended - lowest <= max(_RISE_VALIDATION * abs(lowest), _ERRORS * _error(validation)):
        return None
    step = int(smooth.index[place])
    training = smoothed(loss)
    before = training[training.index <= step]
    then = float(training.iloc[0] if before.empty else before.iloc[-1])
    now = float(training.iloc[-1])
    if now >= then - _STILL * abs(then):
        return None
    return Trouble(
        "overfit",
        step,
        f"overfit from step {step} on: since then the validation loss has risen from {lowest:.4g} "
        f"to {ended:.4g}, while the training loss fell from {then:.4g} to {now:.4g}",
    )


def _judged(series: "pd.Series[float]") -> "pd.Series[float]":
    """Whole windows only: the mean of fewer values is noisier."""
    return smoothed(series).iloc[window(len(series)) - 1 :]


def _error(series: "pd.Series[float]") -> float:
    """The standard error of a smoothed value; 0 where too little is told."""
    if len(series) < _NOISY:
        return 0.0
    return float(series.diff().std()) / sqrt(2 * window(len(series)))
