"""From an image to the input, and back: what the frameworks themselves do."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fairtrial.backends._networks_images import central_square
from fairtrial.use.metadata import Preparation
from fairtrial.use.preparation import prepared

SIZES = [(48, 64), (300, 200), (64, 64), (1, 500), (37, 91)]  # height and width


def picture(size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)


def letterbox(multiple: int | None) -> Preparation:
    return Preparation(placement="centre", size=96, multiple=multiple, resampling="opencv")


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("multiple", [32, None], ids=["free", "fixed"])
def test_an_image_stands_where_ultralytics_puts_it(
    size: tuple[int, int], multiple: int | None
) -> None:
    from ultralytics.data.augment import LetterBox

    pixels = picture(size)
    expected = LetterBox(96, auto=multiple is not None, stride=32)(image=pixels)
    values, _ = prepared(pixels, letterbox(multiple))
    assert values.dtype == np.float32
    assert values.shape[1:] == expected.shape[:2]
    np.testing.assert_array_equal(values, expected.transpose(2, 0, 1).astype(np.float32) / 255)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("multiple", [32, None], ids=["free", "fixed"])
def test_boxes_return_to_the_image_as_by_ultralytics(
    size: tuple[int, int], multiple: int | None
) -> None:
    import torch
    from ultralytics.utils.ops import scale_boxes

    values, place = prepared(picture(size), letterbox(multiple))
    boxes = np.array([[10, 20, 40, 50], [-5, 0, 500, 30], [48, 48, 48, 49]], np.float32)
    expected = scale_boxes(values.shape[1:], torch.from_numpy(boxes.copy()), size)
    np.testing.assert_allclose(place.to_image(boxes), expected.numpy(), rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_central_square_is_that_of_the_training(size: tuple[int, int]) -> None:
    how = Preparation(
        placement="central_square",
        size=32,
        multiple=None,
        resampling="pillow",
        deviation=(1.0, 1.0, 1.0),
    )
    pixels = picture(size)
    values, _ = prepared(pixels, how)
    np.testing.assert_array_equal(values.transpose(1, 2, 0), central_square(pixels, 32))


def test_an_image_at_the_corner_is_normalised_and_the_rest_is_the_padding() -> None:
    how = Preparation(
        placement="corner",
        size=64,
        multiple=32,
        resampling="pillow",
        mean=(100.0, 110.0, 120.0),
        deviation=(50.0, 60.0, 70.0),
        padding=(100.0, 110.0, 120.0),
    )
    values, place = prepared(np.full((20, 64, 3), 170, np.uint8), how)
    assert values.shape == (3, 32, 64)
    np.testing.assert_allclose(values[:, 19, 63], [1.4, 1.0, 50 / 70], rtol=1e-6)
    assert (values[:, 20:] == 0).all()
    assert (place.left, place.top) == (0, 0)


def test_a_stretched_image_fills_the_input() -> None:
    how = Preparation(placement="stretch", size=64, multiple=None, resampling="opencv")
    values, place = prepared(picture((30, 120)), how)
    assert values.shape == (3, 64, 64)
    whole = np.array([[0, 0, 64, 64]], np.float32)
    np.testing.assert_allclose(place.to_image(whole), [[0, 0, 120, 30]])
