"""data: the report of data sets without any training, one for itself or several side by side."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial import DataError, SettingsError
from fairtrial.files.folders import whole_file
from fairtrial.planning.config_files import read_params
from fairtrial.planning.fonts import font_files
from fairtrial.planning.plan import Plan
from fairtrial.planning.sources import may_share
from fairtrial.settings.stages import PlotSettings

if TYPE_CHECKING:
    from fairtrial.results.dataset import DatasetDescription

DATA = Path("data")
PICTURE_SHARE = 0.9  # of the page; boxes and scripts need the rest


def data(*names: str, to: Path = Path("data.pdf")) -> None:
    """Make a report of data sets, without any training.

    Shows classes, sizes, places and shapes of the objects, splits and leaks, defects as pictures,
    pairs that look alike, and images of each split with their boxes. The first data set is
    compared with each of the others, and the differences that matter stand first. Beside the PDF
    stands a page (.html) with a browser of the images: filters by split, class, size, group and
    defect, and each doubtful pair side by side.

    Args:
        names: data sets of config/datasets/; by default those of the experiment of params.yaml
        to: the PDF to write
    """
    from fairtrial.figures.saving import save_data_figures
    from fairtrial.report.data_page import compile_data_page
    from fairtrial.report.data_report import data_report
    from fairtrial.report.pdf import compile_pdf
    from fairtrial.results.dataset import DatasetDescription, DescribedDatasets

    chosen = list(dict.fromkeys(names)) or list(Plan.read(None).datasets)
    _refuse_absent(chosen)
    described = DescribedDatasets({name: DatasetDescription(name, DATA) for name in chosen})
    settings = PlotSettings(
        runs=(), gallery=0, fonts=font_files(read_params()["report"].get("fonts", ()))
    )
    with tempfile.TemporaryDirectory(prefix="fairtrial-") as folder:
        figures = Path(folder) / "figures"
        figures.mkdir()
        entries = []
        for entry in save_data_figures(described, settings, figures):
            print(f"drawn: {entry.title}", flush=True)
            entries.append(entry)
        svg = {
            file: (figures.parent / file).read_bytes() for entry in entries for file in entry.files
        }
        report = data_report(described, entries)
        with whole_file(to, "wb") as file:
            fonts = [font.path for font in settings.fonts]
            file.write(compile_pdf(report, svg, "data.typ", fonts))
    sets = list(described.datasets.values())
    pictures = _pictures(sets, read_params()["report"]["html_mb"])
    with whole_file(to.with_suffix(".html"), "wb") as file:
        file.write(compile_data_page(report, sets, pictures))
    print(f"{to}, {to.with_suffix('.html')}: {', '.join(chosen)}")


def _pictures(described: list[DatasetDescription], html_mb: float) -> dict[str, dict[int, str]]:
    """The images of each data set that the page has room for; none that may not be handed on."""
    from fairtrial.figures.data_pictures import data_pictures

    budget = html_mb * 1e6 * PICTURE_SHARE / len(described)
    shared = [d for d in described if may_share(d.source)]
    return {d.name: data_pictures(d, budget) for d in shared} if budget else {}


def _refuse_absent(names: list[str]) -> None:
    """Raise DataError, with the command that makes them, where data sets are not here yet."""
    absent = [name for name in names if not (DATA / "sets" / name / "split.json").is_file()]
    if not absent:
        return
    experiments = {name: _experiment_with(name) for name in absent}
    unknown = [name for name, experiment in experiments.items() if experiment is None]
    if unknown:
        raise SettingsError(
            f"{', '.join(unknown)}: no experiment of config/experiments/ has such a data set"
        )
    commands = []
    for experiment in dict.fromkeys(experiments.values()):
        of_experiment = [name for name in absent if experiments[name] == experiment]
        targets = " ".join(f"data/sets/{name}/split.json" for name in of_experiment)
        commands.append(f"snakemake --cores 2 {targets} --config experiment={experiment}")
    listed = "; ".join(commands)
    raise DataError(f"{', '.join(absent)}: not made yet; make it with: {listed}")


def _experiment_with(name: str) -> str | None:
    """An experiment whose plan has this data set, that of params.yaml first."""
    first = str(read_params().get("experiment"))
    files = sorted(path.stem for path in Path("config/experiments").glob("*.yaml"))
    for experiment in dict.fromkeys([first, *files]):
        try:
            if name in Plan.read(experiment).datasets:
                return experiment
        except SettingsError:  # a broken file of another experiment is not this command's matter
            continue
    return None
