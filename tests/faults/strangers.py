"""Somebody else who buys jobs in the same account, as tuneq knows nothing of."""

from threading import Event, Thread
from types import TracebackType
from typing import Self

import openai
from tests.faults.orders import MODEL
from tests.faults.site import Site
from tests.sandbox.provider_server import chat_lines

COME_EVERY_S, STAY_S = 0.8, 1.2
AT_ONCE = (1, 2)  # so many, turn by turn
EPOCHS = 50  # far longer than they stay


class Strangers:
    """Their jobs come and are cancelled again, until the block ends."""

    def __init__(self, site: Site) -> None:
        self._client = site.provider.client()
        self._stop = Event()
        self._thread = Thread(target=self._go_on)
        self.jobs = self.refused = self.visits = 0

    def _go_on(self) -> None:
        file = self._client.files.create(file=("theirs.jsonl", chat_lines(60)), purpose="fine-tune")
        while not self._stop.wait(COME_EVERY_S):
            bought = [self._buy(file.id) for _ in range(AT_ONCE[self.visits % len(AT_ONCE)])]
            self.visits += 1
            self._stop.wait(STAY_S)
            for job in filter(None, bought):
                self._client.fine_tuning.jobs.cancel(job)

    def _buy(self, file: str) -> str | None:
        try:
            job = self._client.fine_tuning.jobs.create(
                model=MODEL,
                training_file=file,
                method={
                    "type": "supervised",
                    "supervised": {"hyperparameters": {"n_epochs": EPOCHS, "batch_size": 1}},
                },
            )
        except openai.RateLimitError:
            self.refused += 1
            return None
        self.jobs += 1
        return job.id

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._client.close()
