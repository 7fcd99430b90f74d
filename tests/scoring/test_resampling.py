"""Draws of units: whole, with replacement, and equal for equal truth."""

import numpy as np
import pytest

from fairtrial.data.dataset import Image
from fairtrial.scoring.resampling import draw, draw_weights, unit_of_image


def images(*contents: str) -> list[Image]:
    """Images 1, 2, … of these contents."""
    return [Image(n, f"{n}.png", 8, 8, sha256=text) for n, text in enumerate(contents, 1)]


def test_units_are_numbered_by_content_and_an_image_in_no_list_is_one_alone() -> None:
    listed = images("d", "b", "c", "a", "e")
    assert unit_of_image(listed, [[1, 4], [7, 8]]).tolist() == [0, 1, 2, 0, 3]
    shuffled = [listed[k] for k in (3, 0, 4, 1, 2)]
    assert unit_of_image(shuffled, [[4, 1]]).tolist() == [0, 1, 2, 0, 3], "in the order of ids"


def test_images_of_equal_content_are_units_of_their_own() -> None:
    assert unit_of_image(images("a", "a"), []).tolist() == [0, 1]


@pytest.mark.parametrize("units", [[0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 1, 2]], ids=["single", "sets"])
def test_as_many_units_as_there_are_are_drawn_whole(units: list[int]) -> None:
    of_image = np.array(units)
    weights = draw_weights(of_image, "ab12", resamples=4000)
    first = np.unique(of_image, return_index=True)[1]
    drawn = weights[:, first]
    np.testing.assert_array_equal(weights, drawn[:, of_image])
    count = len(first)
    assert (drawn.sum(axis=1) == count).all()
    # multinomial: mean 1, variance 1 - 1/G, covariance -1/G
    covariance = np.cov(drawn.T)
    expected = np.eye(count) - 1 / count
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.06)
    np.testing.assert_allclose(covariance, expected, atol=0.08)


def test_draws_follow_from_the_truth_alone() -> None:
    one, again, other = (draw_weights(np.arange(9), text, 50) for text in ("aa", "aa", "ab"))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    np.testing.assert_array_equal(one[:10], draw_weights(np.arange(9), "aa", 10))


def test_a_draw_says_how_many_units_there_are() -> None:
    draws = draw(images("a", "b", "c"), [[1, 3]], "groups", "1f", resamples=7)
    assert (draws.units, draws.unit_name, draws.weights.shape) == (2, "groups", (7, 3))
    assert draw([], [], "images", "1f").weights.shape == (1000, 0)
