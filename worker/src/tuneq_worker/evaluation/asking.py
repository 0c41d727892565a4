"""Asking many samples at once, each until it has an answer or its tries are used up."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tuneq_shared.domain.evaluation import EvaluationSpec
from tuneq_shared.domain.failure import STOPS_ACCOUNT, ErrorKind
from tuneq_worker.calling import call_with_leave
from tuneq_worker.evaluation.judging import declined, errored, parameters, scored
from tuneq_worker.evaluation.predictions import Prediction
from tuneq_worker.evaluation.samples import Sample, estimated_tokens
from tuneq_worker.evaluation.scorers import Scorer
from tuneq_worker.policy import backoff_s
from tuneq_worker.ports.lane import Pace
from tuneq_worker.ports.provider import Chat, Completion, ProviderError

_TRIES = 5
_REFUSES_ALL = frozenset({ErrorKind.RATE, ErrorKind.CAPACITY})  # whoever of the fleet asks
WAITS = _REFUSES_ALL | {ErrorKind.COLD, ErrorKind.NOT_READY}
_PATIENCE_S = 900.0  # of waiting in all, a sample
_LOOK_UP_S = 1.0  # between two looks whether the work is still wanted
_CONCERNS_ALL = STOPS_ACCOUNT | {ErrorKind.NOT_FOUND}


class StoppedError(Exception):
    """Asking stopped early: a provider's refusal that concerns every sample, or a lost lease."""

    def __init__(self, cause: ProviderError | None) -> None:
        super().__init__(str(cause) if cause else "the shard is no longer wanted here")
        self.cause = cause


@dataclass(slots=True, kw_only=True)
class Asking:
    """One bulk of requests, many in flight."""

    spec: EvaluationSpec
    scorer: Scorer
    model: str  # as chat calls it
    asker: str  # by which the limiter tells evaluations apart
    in_flight: int
    wanted: Callable[[], bool]  # whether to go on at all
    rows: dict[int, Prediction] = field(default_factory=dict)
    _resume_at: float = 0.0  # monotonic; set by a refusal of any request, heeded by all

    async def ask(self, chat: Chat, pace: Pace, samples: Sequence[Sample]) -> None:
        """Ask all; what is answered stands in `rows`, also when stopped early.

        Raises:
            StoppedError: it was of no use to go on.
        """
        left = iter(samples)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.in_flight, len(samples))):
                    group.create_task(self._work(chat, pace, left))
        except* StoppedError as stopped:
            first = stopped.exceptions[0]
            while isinstance(first, ExceptionGroup):
                first = first.exceptions[0]
            raise first from None

    async def _work(self, chat: Chat, pace: Pace, left: Iterator[Sample]) -> None:
        for sample in left:  # one iterator, shared by all workers
            self.rows[sample.index] = await self._one(chat, pace, sample)

    async def _one(self, chat: Chat, pace: Pace, sample: Sample) -> Prediction:
        waited = 0.0
        tries = 0
        while True:
            await self._gate()
            try:
                completion, latency_s = await self._once(chat, pace, sample)
            except ProviderError as error:
                final = _final(sample, error)
                if final is not None:
                    return final
                pause = error.retry_after_s or backoff_s(error.kind, tries)
                waited += pause
                if error.kind in WAITS:
                    self._heed(error, pause, waited, pace)
                    continue
                tries += 1
                if waited > _PATIENCE_S or tries >= _TRIES:
                    return errored(sample, error.message)
                await self._pause(pause * random.uniform(0.5, 1.0))
            else:
                return scored(self.scorer, sample, completion, latency_s)

    def _heed(self, error: ProviderError, pause: float, waited: float, pace: Pace) -> None:
        """Let all wait, here and, where all are refused alike, elsewhere."""
        if error.kind in _REFUSES_ALL:
            pace.refuse(pause)
        if waited > _PATIENCE_S:
            raise StoppedError(error) from None
        self._resume_at = max(self._resume_at, time.monotonic() + pause)

    async def _once(self, chat: Chat, pace: Pace, sample: Sample) -> tuple[Completion, float]:
        tokens = estimated_tokens(sample.messages) + self.spec.max_tokens
        permit = await pace.permit(self.asker, tokens, self.wanted)
        if permit is None:
            raise StoppedError(None)
        return await call_with_leave(
            chat,
            pace,
            permit,
            self.model,
            messages=sample.messages,
            parameters=parameters(self.spec),
        )

    async def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not self.wanted():
                raise StoppedError(None)
            await asyncio.sleep(min(left, _LOOK_UP_S))

    async def _gate(self) -> None:
        while (left := self._resume_at - time.monotonic()) > 0:  # it may be moved meanwhile
            await self._pause(left)
        if not self.wanted():
            raise StoppedError(None)


def _final(sample: Sample, error: ProviderError) -> Prediction | None:
    """What another try would not change.

    Raises:
        StoppedError: it is no different for any other sample.
    """
    if error.kind in _CONCERNS_ALL:
        raise StoppedError(error) from None
    if error.kind is ErrorKind.MODERATION:
        return declined(sample, error.message)
    return errored(sample, error.message) if error.kind is ErrorKind.BAD_REQUEST else None
