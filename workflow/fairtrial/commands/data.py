"""data: the report of data sets without any training, one for itself or several side by side."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fairtrial import DataError, SettingsError
from fairtrial.files.folders import whole_file
from fairtrial.planning.config_files import read_params
from fairtrial.planning.plan import Plan
from fairtrial.settings.stages import PlotSettings

DATA = Path("data")


def data(*names: str, to: Path = Path("data.pdf")) -> None:
    """Make a report of data sets, without any training.

    Shows classes, sizes, places and shapes of the objects, splits and leaks, defects as pictures,
    pairs that look alike, and images of each split with their boxes. The first data set is
    compared with each of the others, and the differences that matter stand first.

    Args:
        names: data sets of config/datasets/; by default those of the experiment of params.yaml
        to: the PDF to write
    """
    from fairtrial.figures.saving import save_data_figures
    from fairtrial.report.data_report import data_report
    from fairtrial.report.pdf import compile_pdf
    from fairtrial.results.dataset import DatasetDescription, DescribedDatasets

    chosen = list(dict.fromkeys(names)) or list(Plan.read(None).datasets)
    _refuse_absent(chosen)
    described = DescribedDatasets({name: DatasetDescription(name, DATA) for name in chosen})
    with tempfile.TemporaryDirectory(prefix="fairtrial-") as folder:
        figures = Path(folder) / "figures"
        figures.mkdir()
        entries = []
        for entry in save_data_figures(described, PlotSettings(runs=(), gallery=0), figures):
            print(f"drawn: {entry.title}", flush=True)
            entries.append(entry)
        svg = {
            file: (figures.parent / file).read_bytes() for entry in entries for file in entry.files
        }
        with whole_file(to, "wb") as file:
            file.write(compile_pdf(data_report(described, entries), svg, "data.typ"))
    print(f"{to}: {', '.join(chosen)}")


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
