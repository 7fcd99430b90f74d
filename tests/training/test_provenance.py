"""What a record says of the code and the packages that made it."""

from __future__ import annotations

from pathlib import Path

import pytest

import fairtrial
from fairtrial.training.provenance import CODE, versions


def test_a_record_names_fairtrial_and_all_of_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report/page.typ").write_text("before")
    monkeypatch.setattr(fairtrial, "__file__", str(tmp_path / "__init__.py"))
    before = versions()
    assert before["fairtrial"] == fairtrial.__version__
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/page.pyc").write_text("compiled")
    assert versions() == before
    (tmp_path / "report/page.typ").write_text("after")
    assert versions()[CODE] != before[CODE]
