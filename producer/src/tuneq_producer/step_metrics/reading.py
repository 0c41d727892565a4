"""A run's step metrics, from the artifacts that were kept of its job."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import isnan

from pydantic import TypeAdapter, ValidationError

from tuneq_producer.step_metrics.summary import CurvePoint, StepMetrics, Told
from tuneq_producer.views.loading import tell
from tuneq_shared.data_root import DataRoot
from tuneq_shared.errors import NotFoundError, UnreadableError

_ENDING = ".metrics.jsonl"
_POINTS = 50  # of a curve, about
_DRAWN = ("train_loss", "valid_loss", "train_token_accuracy", "valid_token_accuracy")


@dataclass(frozen=True, slots=True)
class StepRow:
    """One row of a job's step metrics; what was not told is none. Accuracies are of tokens."""

    step: int
    train_loss: float | None = None
    train_accuracy: float | None = None
    valid_loss: float | None = None
    valid_accuracy: float | None = None
    full_valid_loss: float | None = None
    full_valid_accuracy: float | None = None


_ROW = TypeAdapter(StepRow)


def read_step_metrics(data: DataRoot, artifacts: Sequence[str]) -> StepMetrics | None:
    """What the artifacts tell of the training's steps; none where they tell nothing.

    Artifacts that are gone or damaged are told of on stderr.

    Args:
        data: where they lie.
        artifacts: full paths of all that a run kept.
    """
    rows = [asdict(row) for row in read_step_rows(data, artifacts)]
    return summarised(rows) if rows else None


def read_step_rows(data: DataRoot, artifacts: Sequence[str]) -> Iterator[StepRow]:
    """The rows that the artifacts hold, as they came; trouble is told of as above."""
    root = f"{data.url.rstrip('/')}/"
    for path in (full.removeprefix(root) for full in artifacts if full.endswith(_ENDING)):
        try:
            with data.read(path) as file:
                yield from [_ROW.validate_json(line) for line in file]
        except (NotFoundError, ValidationError) as error:
            reason = "damaged" if isinstance(error, ValidationError) else "gone"
            tell(UnreadableError(f"the step metrics are {reason}", hint=f"see data:{path}"))


def summarised(rows: Sequence[dict[str, float | None]]) -> StepMetrics:
    """The summary of rows as `frame_of` takes them, of which there is at least one."""
    # Imported here: pandas takes half a second to load, and most commands need none of it.
    from tuneq_producer.step_metrics.frame import frame_of, smoothed  # noqa: PLC0415 - see above
    from tuneq_producer.step_metrics.troubles import troubles  # noqa: PLC0415 - see above

    frame = frame_of(rows)
    smooth = frame.apply(smoothed).reindex(frame.index)
    last = {}
    for name in frame.columns:
        told = frame[name].dropna()
        if len(told):
            step = int(told.index[-1])
            last[name] = Told(step, float(told.iloc[-1]), float(smooth[name].dropna().iloc[-1]))
    stride = -(-len(frame) // _POINTS)
    drawn = smooth[list(_DRAWN)].ffill().iloc[::-stride].iloc[::-1]  # the last step is among them
    return StepMetrics(
        steps=len(frame),
        first_step=int(frame.index[0]),
        last_step=int(frame.index[-1]),
        last=last,
        curve=tuple(
            _point(int(step), values)
            for step, *values in zip(drawn.index, *(drawn[name] for name in _DRAWN), strict=True)
        ),
        warnings=tuple(troubles(frame)),
    )


def _point(step: int, values: Sequence[float]) -> CurvePoint:
    told = {n: (None if isnan(v) else float(v)) for n, v in zip(_DRAWN, values, strict=True)}
    return CurvePoint(step=step, **told)
