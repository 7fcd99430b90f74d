"""quality.json: what is in a source, and its defects by kind."""

from fairtrial.data import defects
from fairtrial.data.dataset import Annotation
from fairtrial.data.defect_actions import Actions
from fairtrial.data.quality import report
from tests.data.test_splitting import images


def test_images_objects_and_defects_are_counted() -> None:
    clean = images(("a", None, None), ("b", None, None), ("c", None, None))
    clean.categories, clean.origins = {1: "cat", 2: "dog"}, {1: ["0"], 2: ["1"]}
    clean.annotations = [Annotation(1, 1, None), Annotation(1, 1, None), Annotation(2, 1, None)]
    cases = [defects.BoxOutside("b"), defects.InvertedBox("a", "x"), defects.BoxOutside("a", "y")]
    content = report(clean, cases, Actions({"inverted_box": "repair"}))
    assert (content.images, content.negatives, content.objects) == (3, 1, 3)
    assert content.classes == {"cat": 3, "dog": 0}
    assert [origin.source for origin in content.class_map] == [["0"], ["1"]]
    assert list(content.defects) == ["box_outside", "inverted_box"]
    assert content.defects["box_outside"].model_dump() == {
        "explanation": defects.BoxOutside.explanation,
        "rule": "drop_box",
        "action": "box dropped",
        "count": 2,
        "cases": ["a: y", "b"],
    }
    assert content.defects["inverted_box"].rule == "repair"
