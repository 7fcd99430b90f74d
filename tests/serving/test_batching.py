"""Images of several threads through one model."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from fairtrial.data.dataset import Detection
from fairtrial.serving.batching import Batcher, batched
from fairtrial.use.model import OpenModel, Prediction


def brightness(images: Sequence[Any], least: float) -> list[Prediction]:
    """A detection whose confidence tells which image and which limit it was asked with."""
    return [
        Prediction((Detection(1, (0.0, 0.0, 1.0, 1.0), float(image.mean()) / 1000 + least),))
        for image in images
    ]


MODEL = OpenModel("detect", ("dog",), 0.5, brightness)


def grey(shade: int) -> Any:
    return np.full((2, 2, 3), shade, np.uint8)


def test_everybody_gets_the_answer_to_the_own_image_and_confidence() -> None:
    answers: dict[int, float] = {}
    with batched(MODEL, 4) as (model, _):

        def ask(number: int) -> None:
            (answer,) = model.run([grey(number)], number % 3)
            answers[number] = answer.detections[0].confidence

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == {number: number / 1000 + number % 3 for number in range(50)}


def test_who_asks_when_it_has_ended_does_not_wait_for_ever() -> None:
    batcher = Batcher(MODEL, 4)
    batcher.close()
    assert not batcher.alive
    with pytest.raises(RuntimeError, match="ends"):
        batcher.run([grey(1)], 0.5)
