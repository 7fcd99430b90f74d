"""What groups are called, by the key or column that holds them."""

from __future__ import annotations

from typing import Any

import pytest

from fairtrial.settings.group_names import group_name


@pytest.mark.parametrize(
    ("form", "options", "expected"),
    [
        pytest.param("coco", {"group": "patient"}, "patients", id="a key"),
        pytest.param("box_csv", {"group": "patient_id"}, "patients", id="an id"),
        pytest.param("class_csv", {"group": "Study"}, "studies", id="a word on y"),
        pytest.param("cadica", {"group": "video"}, "videos", id="an option's value"),
        pytest.param("contributors", {"parts": []}, "contributors", id="contributors"),
        pytest.param("coco", {"group": "group"}, None, id="a key that says nothing"),
        pytest.param("voc", {"group": "folder"}, None, id="a folder"),
        pytest.param("yolo", {"group": r"^(p\d+)_"}, None, id="an expression"),
        pytest.param("coco", {"group": "id"}, None, id="nothing but an id"),
        pytest.param("coco", {}, None, id="no groups"),
    ],
)
def test_the_name_of_groups(form: str, options: dict[str, Any], expected: str | None) -> None:
    assert group_name(form, options) == expected
