"""Images and objects are counted, of a split and of each class."""

from fairtrial.data.dataset import Annotation
from fairtrial.data.summary import summarize
from tests.data.test_splitting import images


def test_images_objects_and_groups_are_counted() -> None:
    dataset = images(("a", "g", None), ("b", "g", None), ("c", "h", None), ("d", "h", None))
    dataset.categories = {1: "cat", 2: "dog"}
    dataset.annotations = [Annotation(i, 1, (0.0, 0.0, 1.0, 1.0), 1.0) for i in (1, 1, 2, 3)]
    assert summarize(dataset, [1, 2, 4]).model_dump() == {
        "images": 3,
        "objects": 3,
        "negatives": 1,
        "groups": 2,
        "classes": {"cat": {"images": 2, "objects": 3}, "dog": {"images": 0, "objects": 0}},
    }
