"""What every format promises, of boxes or of classes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.facts import refused

from fairtrial import DataError
from fairtrial.plugins import plugin


class OfEveryFormat:
    """Tests of one format by its `name`; those of each task inherit them."""

    def test_an_empty_folder_is_an_error_for_a_person(self, name: str, tmp_path: Path) -> None:
        module = plugin("formats", name)
        with pytest.raises(DataError):
            module.read(tmp_path, module.Settings())

    def test_settings_are_closed_and_fixed(self, name: str) -> None:
        model = plugin("formats", name).Settings
        with refused(ValidationError, "no_such_key"):
            model(no_such_key=1)
        with pytest.raises(ValidationError):
            setattr(model(), next(iter(model.model_fields)), None)
