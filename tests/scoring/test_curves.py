import numpy as np
import pytest

from fairtrial.scoring import curves
from fairtrial.scoring.curves import RankedDetections
from fairtrial.scoring.matching import match
from tests.ids import short


def ranking(objects, *rows):
    """A class by hand: rows are (confidence, "right" or "wrong"), best first."""
    return RankedDetections(
        objects,
        np.array([confidence for confidence, _ in rows]),
        np.array([verdict == "right" for _, verdict in rows], dtype=bool),
    )


MIXED = ranking(2, (0.9, "right"), (0.8, "wrong"), (0.6, "right"))


@pytest.mark.parametrize(
    ("confidence", "precision", "recall", "f1"),
    [
        (1.0, 0, 0, 0),
        (0.9, 1, 1 / 2, 2 / 3),  # a confidence equal to the threshold counts
        (0.85, 1, 1 / 2, 2 / 3),
        (0.8, 1 / 2, 1 / 2, 1 / 2),
        (0.6, 2 / 3, 1, 4 / 5),
        (0.0, 2 / 3, 1, 4 / 5),
    ],
    ids=short,
)
def test_rates_by_hand(confidence, precision, recall, f1):
    rates = curves.rates(MIXED, np.array([confidence]))
    assert (rates.precision[0], rates.recall[0], rates.f1[0]) == pytest.approx(
        (precision, recall, f1)
    )


def test_macro_f1_is_the_mean_of_f1_not_the_f1_of_means():
    other = ranking(1, (0.9, "wrong"))
    mean = curves.macro({1: MIXED, 2: other}, np.array([0.9]))
    assert (mean.precision[0], mean.recall[0], mean.f1[0]) == pytest.approx((1 / 2, 1 / 4, 1 / 3))


@pytest.mark.parametrize(
    ("classes", "best"),
    [
        ([ranking(2, (0.9, "right"), (0.8, "right"), (0.3, "wrong"))], 0.55),
        ([MIXED], 0.3),
        ([ranking(1, (0.7, "right"), (0.5, "wrong"))], 0.6),
        ([MIXED, ranking(1, (0.7, "right"), (0.5, "wrong"))], 0.55),
        # 2/3 at 0.9 and again at 0.4: the lowest
        ([ranking(2, (0.9, "right"), (0.8, "wrong"), (0.6, "wrong"), (0.4, "right"))], 0.2),
        # equal confidences stand or fall together: 0.5 cannot take the right one alone
        ([ranking(1, (0.5, "right"), (0.5, "wrong"), (0.1, "wrong"))], 0.3),
        ([ranking(1, (0.125, "right"), (0.0625, "wrong"))], 0.09375),  # not a point of a grid
        ([ranking(1, (0.5, "wrong"), (0.0, "right"))], 0.0),
        ([ranking(1)], 0.0),
        ([], 0.0),
    ],
    ids=[
        "two right ones above a wrong one",
        "down to 0",
        "the first detection alone",
        "two classes share their confidences",
        "the lowest of equally good plateaus",
        "equal confidences",
        "between the points of a grid",
        "a confidence of 0",
        "no detections",
        "no classes",
    ],
)
def test_best_confidence_by_hand(classes, best):
    assert curves.best_confidence(dict(enumerate(classes))) == pytest.approx(best, abs=1e-15)


def test_a_detection_just_below_the_last_right_one_is_kept() -> None:
    """Val finds objects at 0.9 and 0.8 and errs at 0.3: a test object found at 0.79 counts."""
    val = {1: ranking(2, (0.9, "right"), (0.8, "right"), (0.3, "wrong"))}
    test = {1: ranking(2, (0.85, "right"), (0.79, "right"), (0.2, "wrong"))}
    at = np.array([curves.best_confidence(val)])
    assert curves.macro(test, at).f1[0] == 1


@pytest.mark.parametrize(("objects", "gain"), [(10, 0.01), (5, 0.03)])
def test_the_middle_of_the_plateau_is_better_on_other_images(objects: int, gain: float) -> None:
    """Right detections have confidences around 0.75, wrong ones around 0.35: against the upper end
    of the plateau, which loses what lies just below the last right one."""
    random = np.random.default_rng(0)

    def drawn(count: int) -> dict[int, RankedDetections]:
        confidences = np.concatenate(
            [random.normal(0.75, 0.12, count), random.normal(0.35, 0.12, count)]
        ).clip(0.01, 0.99)
        order = np.argsort(-confidences, kind="stable")
        return {
            1: RankedDetections(count, confidences[order], (np.arange(2 * count) < count)[order])
        }

    gains = []
    for _ in range(300):
        val, test = drawn(objects), drawn(500)
        middle = curves.best_confidence(val)
        upper = min(c for c in val[1].confidences if c >= middle)
        low, high = curves.macro(test, np.array([middle, upper])).f1
        gains.append(low - high)
    assert np.mean(gains) > gain


def test_best_confidence_equals_a_search_over_every_threshold():
    random = np.random.default_rng(3)
    for _ in range(30):
        classes = {}
        for k in range(3):
            n = int(random.integers(0, 12))
            confidences = np.sort(random.integers(1, 20, n) / 20)[::-1]
            classes[k] = RankedDetections(n + 1, confidences, random.random(n) < 0.5)
        f1 = [plain_macro_f1(classes, c / 40) for c in range(41)]
        at_best = plain_macro_f1(classes, curves.best_confidence(classes))
        assert at_best == pytest.approx(max(f1), abs=1e-12)


def plain_macro_f1(classes, confidence):
    total = 0.0
    for ranking in classes.values():
        pairs = zip(ranking.confidences, ranking.matched, strict=True)
        counted = [matched for c, matched in pairs if c >= confidence]
        total += 2 * sum(counted) / (len(counted) + ranking.objects)
    return total / len(classes)


def counted(scene, objects, detections, iou=0.5, max_det=100):
    """(objects, confidences, matched) of each class."""
    classes = curves.ranked(match(*scene(objects, detections), ious=[iou], max_det=max_det))
    return {k: (r.objects, r.confidences.tolist(), r.matched.tolist()) for k, r in classes.items()}


def test_a_second_hit_on_one_object_is_wrong(scene):
    detections = [(1, 1, 1, 0.9), (1, 1, 1, 0.8)]
    assert counted(scene, [(1, 1, 1)], detections) == {1: (1, [0.9, 0.8], [True, False])}


def test_a_detection_on_a_crowd_is_neither_right_nor_wrong_and_a_crowd_is_no_object(scene):
    objects = [(1, 1, 1), (1, 1, (300, 0, 400, 80), "crowd"), (2, 2, 1, "crowd")]
    detections = [(1, 1, 1, 0.5), (1, 1, 4, 0.9), (1, 1, 5, 0.8), (2, 2, 5, 0.7)]
    assert counted(scene, objects, detections) == {1: (1, [0.5], [True])}


def test_classes_do_not_share_detections(scene):
    detections = [(1, 2, 1, 0.9), (1, 1, 1, 0.4)]
    assert counted(scene, [(1, 1, 1), (2, 2, 1)], detections) == {
        1: (1, [0.4], [True]),
        2: (1, [0.9], [False]),
    }


def test_max_det_and_iou_reach_the_counts(scene):
    objects, detections = [(1, 1, 1)], [(1, 1, 5, 0.9), (1, 1, (110, 0, 40, 40), 0.8)]  # IoU 0.6
    assert counted(scene, objects, detections, max_det=1) == {1: (1, [0.9], [False])}
    assert counted(scene, objects, detections, iou=0.5)[1][2] == [False, True]
    assert counted(scene, objects, detections, iou=0.7)[1][2] == [False, False]


def test_detections_of_several_images_are_ranked_together(scene):
    objects = [(1, 1, 1), (2, 1, 1)]
    detections = [(1, 1, 1, 0.3), (2, 1, 1, 0.6), (3, 1, 1, 0.5)]
    assert counted(scene, objects, detections) == {1: (2, [0.6, 0.5, 0.3], [True, False, True])}
