"""Scaling without OpenCV gives what OpenCV gives."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairtrial.use.preparation import prepared
from fairtrial.use.scaling import scaled_like_opencv
from tests.use.tiny_model import LETTERBOX

SIDE = st.integers(1, 90)
NEW = st.integers(16, 90)  # inputs of networks have more; OpenCV scales a few pixels otherwise


@settings(max_examples=300, deadline=None)
@given(SIDE, SIDE, NEW, NEW, st.integers(0, 9))
def test_it_equals_opencv_to_the_bit(
    width: int, height: int, new_width: int, new_height: int, seed: int
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    size = (new_width, new_height)
    expected = cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(scaled_like_opencv(pixels, size), expected)


@pytest.mark.parametrize("shape", [(480, 640), (1080, 1920), (128, 128), (333, 1001)])
def test_an_input_is_the_same_without_opencv(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    expected, place = prepared(pixels, LETTERBOX)
    monkeypatch.setitem(sys.modules, "cv2", None)
    values, same_place = prepared(pixels, LETTERBOX)
    assert np.array_equal(values, expected)
    assert same_place == place
