"""The data report: made of data sets alone, and plain answers where they are not here."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from pypdf import PdfReader
from tests.report.fake_results import Fake

from facts import missing_facts
from fairtrial.__main__ import main
from fairtrial.figures.contradictions import contradicting_copies
from fairtrial.results.dataset import DatasetDescription, DescribedDatasets
from fairtrial.settings.stages import PlotSettings

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the shipped settings, and two data sets of made-up images."""
    shutil.copytree(CHECKOUT / "config", tmp_path / "config")
    shutil.copy(CHECKOUT / "params.yaml", tmp_path)
    Fake(tmp_path, {"a": {}, "b": {"lr0": 0.1}}, seeds=(0,), sets={"b": 1}, motley=True).build()
    shutil.rmtree(tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pages(pdf: Path) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf.read_bytes())).pages]


@pytest.mark.slow
def test_two_sets_stand_side_by_side_without_any_results(project: Path) -> None:
    for source in ("drawn", "drawn1"):
        text = (project / "config/sources/shapes.yaml").read_text()
        kept = f"share: {'true' if source == 'drawn' else 'false'}\n"
        (project / f"config/sources/{source}.yaml").write_text(f"{text}\n{kept}")
    assert main(["data", "shapes", "shapes1", "--to", "both.pdf"]) == 0
    text = " ".join(" ".join(pages(project / "both.pdf")).split())
    absent = missing_facts(
        text.replace("\u200b", ""),
        "shapes and shapes1",
        "No difference is both more than chance and large enough to matter.",
        "Images of test",
        "Objects of each class",
        "objects per image",
        "Decide on the pairs of shapes",
        "config/sources/drawn.yaml",
        "different:",
    )
    assert not absent
    page = (project / "both.html").read_text()
    assert not missing_facts(page, "No difference is both", "Without images: shapes1", "drawn.yaml")
    assert page.count('class="jpegs"') == 1, "of the source that may be shared"


@pytest.mark.slow
def test_defects_stand_as_pictures_of_the_raw_files(project: Path) -> None:
    raw = project / "data/raw/drawn"
    raw.mkdir(parents=True)
    quality = (project / "data/clean/drawn/quality.json").read_text()
    where = next(iter(_cases(quality))).partition(": ")[0]
    (raw / where).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(project / "data/clean/drawn/images/001.png", raw / where)
    assert main(["data", "shapes"]) == 0
    with_picture = " ".join(pages(project / "data.pdf"))
    assert "Images with defects" in with_picture
    (raw / where).write_bytes(b"no image")
    assert main(["data", "shapes"]) == 0
    assert "Images with defects" not in " ".join(pages(project / "data.pdf"))


@pytest.mark.slow
def test_copies_with_contradicting_labels_stand_side_by_side(project: Path) -> None:
    """One of each pair among the clean images, one that was left out among the raw ones."""
    path = project / "data/clean/drawn/quality.json"
    quality = json.loads(path.read_text())
    kind = next(iter(quality["defects"].values())) | {
        "count": 2,
        "cases": ["001.png: cat; its copy 002.png: dog", "left.png: cat; its copy 001.png: dog"],
    }
    quality["defects"]["contradicting_labels"] = kind
    path.write_text(json.dumps(quality))
    (project / "data/raw/drawn").mkdir(parents=True)
    images = project / "data/clean/drawn/images"
    shutil.copy(images / "003.png", project / "data/raw/drawn/left.png")
    described = DescribedDatasets({"shapes": DatasetDescription("shapes", project / "data")})
    (figure,) = contradicting_copies.draw(described, PlotSettings(runs=(), gallery=0))
    titles = [ax.get_title(loc="left") for ax in figure.figure.axes]
    assert titles == ["001.png\ncat", "002.png\ndog", "left.png\ncat", "001.png\ndog"]
    assert [bool(ax.patches) for ax in figure.figure.axes] == [True, True, False, True]


def _cases(quality: str) -> list[str]:
    defects = json.loads(quality)["defects"].values()
    return [case for defect in defects for case in defect["cases"]]


def test_a_set_that_is_not_made_yet_is_answered_with_its_command(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "bccd"]) == 1
    message = capsys.readouterr().err
    assert not missing_facts(message, "bccd", "snakemake", "data/sets/bccd/split.json")
    assert "experiment=bccd" in message


def test_an_unknown_set_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "nosuch"]) == 1
    assert not missing_facts(capsys.readouterr().err, "nosuch", "config/experiments")
