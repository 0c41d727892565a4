"""What runs in a trainer's process: from files to a saved training."""

import os
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from tuneq_sandbox.learner.saving import save_training
from tuneq_sandbox.learner.training import Plan, train
from tuneq_sandbox.provider.training_file import read_examples


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOrder:
    """Everything that a training depends on, and where it goes."""

    training: Path
    validation: Path | None
    plan: Plan
    output: Path


def carry_out(order: TrainingOrder) -> None:
    """Train and save; the output appears whole, or not at all."""
    validation = read_examples(order.validation) if order.validation else []
    save_training(order.output, train(read_examples(order.training), validation, order.plan))


def die_with_server(leash: Connection) -> None:
    """End this process when the other end of the leash is gone, however the server ended."""
    threading.Thread(target=_watch, args=(leash,), daemon=True).start()


def _watch(leash: Connection) -> None:
    try:
        leash.recv_bytes()
    except (EOFError, OSError):
        os._exit(0)
