"""Of overlapping boxes the strongest stays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision

from fairtrial.use.suppression import kept


@pytest.mark.parametrize("seed", range(5))
def test_the_same_boxes_stay_as_by_torchvision(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 100, (400, 2, 2)).astype(np.float32)
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    scores, labels = rng.random(400).astype(np.float32), rng.integers(0, 3, 400)
    tensors = (torch.from_numpy(array) for array in (boxes, scores, labels))
    expected = torchvision.ops.batched_nms(*tensors, 0.45).tolist()
    assert len(expected) < 400
    assert kept(boxes, scores, labels, 0.45, 400).tolist() == expected
    assert kept(boxes, scores, labels, 0.45, 7).tolist() == expected[:7]


def test_empty_boxes_overlap_nothing() -> None:
    boxes = np.zeros((3, 4), np.float32)
    stays = kept(boxes, np.array([0.5, 0.9, 0.7], np.float32), np.zeros(3, np.int64), 0.5, 10)
    assert stays.tolist() == [1, 2, 0]
    assert kept(boxes[:0], boxes[:0, 0], np.zeros(0, np.int64), 0.5, 10).tolist() == []
