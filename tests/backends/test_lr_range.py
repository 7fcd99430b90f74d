"""The range test of each backend takes the training's own steps, at the rates of the test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairtrial.plugins import plugin, plugins
from fairtrial.training.lr_range import RangeTest, rising
from tests.backends.test_every_backend import settings, task
from tests.backends.tiny import draw, draw_classes

pytestmark = pytest.mark.slow

SMALL: dict[str, dict[str, Any]] = {
    "ultralytics": {"imgsz": 32, "optimizer": "SGD"},
    "retinanet": {"imgsz": 32, "clip": None, "optimizer": "SGD"},
    "networks": {"optimizer": "SGD"},
}


def losses(backend: str, folder: Path, *, rates: tuple[float, ...], **changed: Any) -> list[float]:
    folder.mkdir(exist_ok=True)
    draws = draw if task(backend) == "detect" else draw_classes
    test = RangeTest(rates)
    own = settings(backend, **SMALL[backend] | changed)
    plugin("backends", backend).lr_range(own, draws(folder / "data"), None, 1, test)
    return test.losses


@pytest.mark.parametrize("backend", plugins("backends"))
def test_it_repeats_itself_and_ends_where_the_loss_does(backend: str, tmp_path: Path) -> None:
    low = rising(1e-5, 1e-4, 9)  # more steps than an epoch has
    first = losses(backend, tmp_path, rates=low)
    assert len(first) == len(low)
    assert losses(backend, tmp_path, rates=low) == first
    assert losses(backend, tmp_path, rates=low, seed=1) != first
    high = rising(1e-2, 1e8, 24)
    assert len(losses(backend, tmp_path, rates=high)) < len(high)
