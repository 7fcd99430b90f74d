import pytest

from fairtrial.scoring.sizes import thirds


def bounds(scene, areas):
    truth, _ = scene([(1, 1, (0.0, 0.0, 10.0, area / 10)) for area in areas], [])
    return thirds(truth), [a.area for a in truth.annotations]


@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        ([10, 20, 30, 40, 50, 60], [2, 2, 2]),
        ([10, 20, 30, 40], [2, 1, 1]),
        ([10, 10, 10, 10, 10, 60], [5, 0, 1]),  # equal objects stay together
        ([10] * 6, [6, 0, 0]),
        ([10], [1, 0, 0]),
    ],
    ids=["six", "four", "five equal ones", "all equal", "one"],
)
def test_thirds_hold_every_object_once(scene, areas, expected):
    found, all_areas = bounds(scene, areas)
    assert list(found) == ["small", "medium", "large"]
    counts = [sum(r.low <= a <= r.high for a in all_areas) for r in found.values()]
    assert counts == expected


def test_crowds_have_no_part_in_thirds(scene):
    big = (1, 1, (0.0, 0.0, 900.0, 90.0), "crowd")
    truth, _ = scene([big, (1, 1, 1), (1, 1, 2), (1, 1, 3)], [])
    assert thirds(truth)["medium"].high == 1600.0
    assert thirds(scene([big], [])[0]) == {}
