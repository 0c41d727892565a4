"""Trainers: processes of their own, so that chat never waits for a training."""

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from tuneq_sandbox.provider.learning import TrainingOrder, carry_out, die_with_server

ATTEMPTS = 3


class TrainerPool:
    """Carries out orders; a training that is saved already is not done again."""

    def __init__(self, trainers: int) -> None:
        self._trainers = trainers
        self._free = asyncio.Semaphore(trainers)
        self._start()

    @property
    def free(self) -> asyncio.Semaphore:
        """One permit a trainer: who holds one is not kept waiting."""
        return self._free

    async def train(self, order: TrainingOrder) -> None:
        """Wait until the order's output is there.

        Raises:
            BrokenProcessPool: trainers died on it `ATTEMPTS` times.
        """
        for attempt in range(1, ATTEMPTS + 1):
            # Learning is deterministic and the output is named by all it depends on.
            if order.output.exists():
                return
            pool = self._pool
            try:
                await asyncio.get_running_loop().run_in_executor(pool, carry_out, order)
            except BrokenProcessPool:
                if pool is self._pool:
                    self._stop()
                    self._start()
                if attempt == ATTEMPTS:
                    raise

    def close(self) -> None:
        """End the trainers at once; what they were doing is done again another time."""
        self._stop()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        far_end, self._leash = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(
            self._trainers, mp_context=context, initializer=die_with_server, initargs=(far_end,)
        )

    def _stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._leash.close()
