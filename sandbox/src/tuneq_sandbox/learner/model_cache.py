"""Loaded models, the most recently used ones within a bound of memory."""

from collections import OrderedDict
from pathlib import Path

from tuneq_sandbox.learner.model import Model
from tuneq_sandbox.learner.saving import load_model


class ModelCache:
    """Loads models on demand and forgets the longest unused when they exceed `max_bytes`."""

    def __init__(self, max_bytes: int = 256 << 20) -> None:
        self._max_bytes = max_bytes
        self._held: OrderedDict[tuple[Path, int], Model] = OrderedDict()
        self._bytes = 0

    def get(self, path: Path, checkpoint: int) -> Model:
        """The model of a saved training's checkpoint; one model is held even if over the bound.

        Raises:
            FileNotFoundError: there is no such training.
            KeyError: there is no such checkpoint.
        """
        key = (path, checkpoint)
        model = self._held.get(key)
        if model is not None:
            self._held.move_to_end(key)
            return model
        model = load_model(path, checkpoint)
        self._held[key] = model
        self._bytes += model.size_bytes
        while self._bytes > self._max_bytes and len(self._held) > 1:
            _, dropped = self._held.popitem(last=False)
            self._bytes -= dropped.size_bytes
        return model

    def __len__(self) -> int:
        return len(self._held)
