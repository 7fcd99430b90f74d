import pytest

from fairtrial.scoring.confusion import BACKGROUND, matrix

NEAR = (105.0, 0.0, 40.0, 40.0)  # overlaps square 1 by 7/9
CROWD = (300, 0, 400, 80)  # squares 3 to 6 lie on it

CASES = {
    "a hit and a confusion": (
        [(1, 1, 1), (1, 2, 2)],
        [(1, 1, 1, 0.9), (1, 1, 2, 0.8)],
        {(1, 1): 1, (2, 1): 1},
    ),
    "a missed object and an invented one": (
        [(1, 1, 1)],
        [(1, 2, 5, 0.9)],
        {(1, BACKGROUND): 1, (BACKGROUND, 2): 1},
    ),
    "an image without objects has inventions, one without detections has misses": (
        [(2, 2, 1)],
        [(1, 1, 1, 0.9)],
        {(BACKGROUND, 1): 1, (2, BACKGROUND): 1},
    ),
    "below the confidence does not count, at it does": (
        [(1, 1, 1), (1, 1, 2)],
        [(1, 1, 1, 0.5), (1, 1, 2, 0.49)],
        {(1, 1): 1, (1, BACKGROUND): 1},
    ),
    "an object is taken once, by the best detection of any class": (
        [(1, 1, 1)],
        [(1, 2, 1, 0.9), (1, 1, 1, 0.8)],
        {(1, 2): 1, (BACKGROUND, 1): 1},
    ),
    "a detection takes the object that it overlaps most": (
        [(1, 1, NEAR), (1, 2, 1)],
        [(1, 2, 1, 0.9)],
        {(2, 2): 1, (1, BACKGROUND): 1},
    ),
    "more overlap beats the own class": (
        [(1, 1, NEAR), (1, 2, 1)],
        [(1, 1, 1, 0.9)],
        {(2, 1): 1, (1, BACKGROUND): 1},
    ),
    "of equal overlaps the own class, whatever the order of objects": (
        [(1, 1, 1), (1, 2, 1), (1, 1, 1)],
        [(1, 2, 1, 0.9)],
        {(2, 2): 1, (1, BACKGROUND): 2},
    ),
    "a crowd is not missed, and what lies on it is not counted": (
        [(1, 1, CROWD, "crowd")],
        [(1, 1, 4, 0.9), (1, 2, 5, 0.8), (1, 1, 9, 0.7)],
        {(BACKGROUND, 1): 1},
    ),
    "an object on a crowd is taken before the crowd": (
        [(1, 1, CROWD, "crowd"), (1, 2, 4)],
        [(1, 2, 4, 0.9), (1, 2, 4, 0.8)],
        {(2, 2): 1},
    ),
    "too little overlap": (
        [(1, 1, 1)],
        [(1, 1, (120, 0, 40, 40), 0.9)],  # IoU 1/3
        {(1, BACKGROUND): 1, (BACKGROUND, 1): 1},
    ),
    "nothing at all": ([], [], {}),
}


@pytest.mark.parametrize("name", CASES)
def test_matrix_by_hand(scene, name):
    objects, detections, expected = CASES[name]
    counts = matrix(*scene(objects, detections), 0.5, 0.5)
    assert {pair: n for pair, n in counts.items() if n} == expected


def test_every_pair_is_there_in_order_with_background_last(scene):
    ids = (3, 7, BACKGROUND)
    counts = matrix(*scene([], [], categories=(7, 3)), 0.5, 0.5)
    assert list(counts) == [(true, predicted) for true in ids for predicted in ids]


def test_a_perfect_box_passes_an_iou_of_one(scene):
    box = (0.1, 0.2, 0.3, 0.7)
    counts = matrix(*scene([(1, 1, box)], [(1, 1, box, 0.9)]), 0.5, 1.0)
    assert counts[1, 1] == 1
