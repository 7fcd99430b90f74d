import numpy as np
import pytest
from PIL import Image, ImageOps

from fairtrial.data import boxes, defects
from fairtrial.data.boxes import Box
from fairtrial.data.defects import Defect


@pytest.mark.parametrize(
    ("box", "expected", "defect"),
    [
        pytest.param((1.1, 2.2, 3.3, 4.4), (1.1, 2.2, 3.3, 4.4), None, id="inside"),
        pytest.param((0, 0, 100, 50), (0, 0, 100, 50), None, id="as large as the image"),
        pytest.param(
            (-0.001, 0, 100.002, 50), (0, 0, 100, 50), None, id="over the edge by rounding"
        ),
        pytest.param(
            (-5, 10, 20, 20), (0, 10, 15, 20), defects.BoxOverEdge, id="over the left edge"
        ),
        pytest.param((90, 40, 20, 20), (90, 40, 10, 10), defects.BoxOverEdge, id="over the corner"),
        pytest.param(
            (-10, -10, 200, 200), (0, 0, 100, 50), defects.BoxOverEdge, id="larger than the image"
        ),
        pytest.param((100, 10, 5, 5), None, defects.BoxOutside, id="to the right"),
        pytest.param((-9, 10, 5, 5), None, defects.BoxOutside, id="to the left"),
        pytest.param((10, 10, 0, 5), None, defects.BoxWithoutArea, id="no width"),
        pytest.param((10, 10, 5, -5), (10, 5, 5, 5), defects.InvertedBox, id="negative height"),
        pytest.param(
            (10, 10, -20, 5),
            (0, 10, 10, 5),
            defects.InvertedBox,
            id="negative width, over the edge",
        ),
        pytest.param((-10, 10, -20, 5), None, defects.InvertedBox, id="inverted and outside"),
        pytest.param((10, 10, -20, 0), None, defects.InvertedBox, id="inverted without area"),
        pytest.param((10, float("nan"), 5, 5), None, defects.BoxNotNumbers, id="NaN"),
        pytest.param((10, 10, float("inf"), 5), None, defects.BoxNotNumbers, id="infinite"),
    ],
)
def test_fit(box: Box, expected: Box | None, defect: type[Defect] | None) -> None:
    fitted, kind = boxes.fit(box, 100, 50)
    assert kind is defect
    assert fitted == (None if expected is None else pytest.approx(expected))


def test_a_good_box_keeps_its_last_digit() -> None:
    box = (0.1 + 0.2, 0.7, 1 / 3, 2 / 7)
    assert boxes.fit(box, 100, 50)[0] == box


@pytest.mark.parametrize("orientation", range(1, 9), ids="orientation {}".format)
def test_a_box_goes_where_its_pixels_go(orientation: int) -> None:
    """Pillow turns an image by its EXIF; the box turned by us lies on the same pixels."""
    stored = np.zeros((30, 50), np.uint8)
    stored[4:11, 20:45] = 255
    image = Image.fromarray(stored)
    image.getexif()[0x0112] = orientation
    turned = np.asarray(ImageOps.exif_transpose(image))
    assert boxes.turned_size((50, 30), orientation) == turned.shape[::-1]
    x, y, w, h = boxes.turned((20, 4, 25, 7), orientation, (50, 30))
    expected = np.zeros_like(turned)
    expected[int(y) : int(y + h), int(x) : int(x + w)] = 255
    assert (turned == expected).all()
