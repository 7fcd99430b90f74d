"""Images of several requests go through a model together: what has come while it worked is the next
batch. Nobody waits for a batch to be full."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby

from fairtrial.use.model import OpenModel, Prediction
from fairtrial.use.preparation import Pixels

SECONDS = 0.5  # after which who waits looks whether the model still works


@dataclass
class _Asked:
    pixels: Pixels
    confidence: float
    answer: Future[Prediction] = field(default_factory=Future)


class Batcher:
    """One thread that has the model to itself."""

    def __init__(self, model: OpenModel, most: int) -> None:
        self._model, self._most = model, most
        self._asked: queue.Queue[_Asked | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it still works."""
        return self._thread.is_alive()

    def run(self, images: Sequence[Pixels], confidence: float) -> list[Prediction]:
        """What the model says of a few images, from any thread. Raises RuntimeError when it has
        ended."""
        asked = [_Asked(pixels, confidence) for pixels in images]
        for each in asked:
            self._asked.put(each)
        return [self._answered(each) for each in asked]

    def _answered(self, asked: _Asked) -> Prediction:
        while True:
            try:
                return asked.answer.result(timeout=SECONDS)
            except TimeoutError:
                if not self.alive and not asked.answer.done():
                    raise RuntimeError("the server ends") from None

    def close(self) -> None:
        """End when all that was asked is answered."""
        self._asked.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (first := self._asked.get()) is not None:
            group = [first, *self._waiting()]
            group.sort(key=lambda each: each.confidence)
            for confidence, same in groupby(group, key=lambda each: each.confidence):
                self._answer(list(same), confidence)

    def _waiting(self) -> Iterator[_Asked]:
        for _ in range(self._most - 1):
            try:
                each = self._asked.get_nowait()
            except queue.Empty:
                return
            if each is None:
                self._asked.put(None)
                return
            yield each

    def _answer(self, group: Sequence[_Asked], confidence: float) -> None:
        """Where a batch fails, each of its images is tried alone: one does not hurt the others."""
        try:
            predictions = self._model.run([each.pixels for each in group], confidence)
        except Exception as error:
            if len(group) == 1:
                group[0].answer.set_exception(error)
                return
            for each in group:
                self._answer([each], confidence)
            return
        for each, prediction in zip(group, predictions, strict=True):
            each.answer.set_result(prediction)


@contextmanager
def batched(model: OpenModel, most: int) -> Iterator[tuple[OpenModel, Batcher]]:
    """The same model, which many threads may use at once."""
    batcher = Batcher(model, most)
    try:
        yield replace(model, run=batcher.run), batcher
    finally:
        batcher.close()
