import pytest

from fairtrial import defects
from fairtrial.defects import Box, Defect

KINDS = sorted(Defect.__subclasses__(), key=lambda kind: kind.name)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_explains_itself(kind: type[Defect]) -> None:
    assert kind.name.isidentifier()
    assert kind.explanation.endswith(".")
    assert kind.action


def test_no_two_kinds_share_a_name() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize(
    ("box", "expected", "fault"),
    [
        ((1.1, 2.2, 3.3, 4.4), (1.1, 2.2, 3.3, 4.4), None),
        ((0, 0, 100, 50), (0, 0, 100, 50), None),
        ((-0.001, 0, 100.002, 50), (0, 0, 100, 50), None),
        ((-5, 10, 20, 20), (0, 10, 15, 20), defects.BoxOverEdge),
        ((90, 40, 20, 20), (90, 40, 10, 10), defects.BoxOverEdge),
        ((-10, -10, 200, 200), (0, 0, 100, 50), defects.BoxOverEdge),
        ((100, 10, 5, 5), None, defects.BoxOutside),
        ((-9, 10, 5, 5), None, defects.BoxOutside),
        ((10, 10, 0, 5), None, defects.BoxWithoutArea),
        ((10, 10, 5, -5), None, defects.InvertedBox),
        ((10, float("nan"), 5, 5), None, defects.BoxNotNumbers),
        ((10, 10, float("inf"), 5), None, defects.BoxNotNumbers),
    ],
)
def test_fit(box: Box, expected: Box | None, fault: type[Defect] | None) -> None:
    fitted, found = defects.fit(box, 100, 50)
    assert found is fault
    assert fitted == (None if expected is None else pytest.approx(expected))


def test_a_good_box_keeps_its_last_digit() -> None:
    box = (0.1 + 0.2, 0.7, 1 / 3, 2 / 7)
    assert defects.fit(box, 100, 50)[0] == box


def test_summary_is_sorted_and_counted() -> None:
    found = [defects.BoxOutside("b"), defects.InvertedBox("a", "x"), defects.BoxOutside("a", "y")]
    report = defects.summary(found)
    assert list(report) == ["box_outside", "inverted_box"]
    assert report["box_outside"]["count"] == 2
    assert report["box_outside"]["cases"] == ["a: y", "b"]
