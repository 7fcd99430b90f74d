"""Each way from nothing to the report, with stand-ins for the stages: `pip install` and `fairtrial
init`, snakedeploy, `module:`. Nothing of a checkout is there but what the way brings."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from fairtrial.files import snapshot
from installed import InstalledProject, checkout_at, install
from project import CHECKOUT, QUICK_SOURCE, STAGES, STUBS

pytestmark = pytest.mark.slow

ONE_RUN = "title: One run\nruns: {small: {imgsz: 96}}\n"
ACTIVATE = 'export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n'
REPOSITORY = "https://github.com/me/fairtrial"
MODULE = """\
module fairtrial:
    snakefile: {snakefile}


use rule * from fairtrial
"""
SHIPPED = ("workflow/rules", "workflow/schemas", "workflow/envs", "workflow/report", "config")
SHIPPED += ("profiles",)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout as a repository with the tag v0.1.0."""
    folder = checkout_at(tmp_path_factory.mktemp("git") / "fairtrial")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"], ["tag", "v0.1.0"]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    return folder


def test_a_wheel_holds_all_that_a_checkout_has(site: Path) -> None:
    """Else a template is missing months later."""
    ignored = ("__pycache__", ".mypy_cache")
    for kept, here in (("", "workflow/fairtrial"), *((f"project/{n}", n) for n in SHIPPED)):
        theirs, ours = (
            {
                path.relative_to(folder).as_posix()
                for path in folder.rglob("*")
                if path.is_file() and not set(path.parts) & set(ignored)
            }
            for folder in (site / "fairtrial" / kept, CHECKOUT / here)
        )
        inside = {name for name in theirs if kept or not name.startswith("project/")}
        ours = {name for name in ours if not name.endswith(".v9+.yaml")}
        assert ours <= inside, here


def documented(way: str) -> list[str]:
    """The commands of a section of docs/install.md, after those that install."""
    page = (CHECKOUT / "docs/install.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {way}\n")[2].partition("\n## ")[0]
    lines = section.partition("```sh\n")[2].partition("```")[0].splitlines()
    assert lines[1].startswith("pip install ") and lines[-1] == "snakemake"
    return lines[2:-1]


SAID = {
    "pip and init": "",
    "snakedeploy": "Written, since missing: params.yaml, workflow/schemas, slurm\n",
    "module": "workflow/schemas, profiles, slurm\n",
}


@pytest.mark.parametrize("way", SAID)
def test_from_nothing_to_the_report(way: str, site: Path, repository: Path, tmp_path: Path) -> None:
    """By the commands of the documentation; the repository stands at github.com."""
    project = InstalledProject(tmp_path / "trials", site)
    project.env |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository}/.insteadOf",
        "GIT_CONFIG_VALUE_0": REPOSITORY,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    shell = ["bash", "-e", "-c", "\n".join(documented(way))]
    typed = subprocess.run(shell, cwd=tmp_path, env=project.env, capture_output=True, text=True)
    assert typed.returncode == 0, typed.stderr
    said = project.run("snakemake", "-n", "--quiet", "all").stderr if way == "snakedeploy" else ""
    assert SAID[way] in typed.stderr + said
    project.choose(ONE_RUN)
    said = project.run("snakemake", "--cores", "2").stdout
    assert Counter(job.split()[0] for job in project.jobs()) == Counter(
        {*STAGES} - {"probe", "batch"}
    )
    assert (project.root / "results/compare/report.pdf").exists()
    assert "Report: results/compare/report.pdf" in said, "nothing was called at the end"
    assert [*(project.root / "store/users").iterdir()], "gc elsewhere would remove what it needs"
    assert (project.root / "slurm/config.yaml").is_file()
    copies = project.root.glob(".snakemake/fairtrial/snapshots/*/workflow/fairtrial")
    code = snapshot.digest(CHECKOUT / "workflow/fairtrial")
    assert {snapshot.digest(copy) for copy in copies} == {code}
    if way != "pip and init":
        return
    project.run("snakemake", "--report", "report.zip")
    with zipfile.ZipFile(project.root / "report.zip") as archive:
        names = {Path(name).name for name in archive.namelist()}
    assert names >= {"report.html", "report.pdf", "comparison.csv", "runs.csv"}


def test_rules_of_another_version_are_refused(site: Path, tmp_path: Path) -> None:
    """In one sentence, before anything runs: their flags may be unknown to the package."""
    project = InstalledProject(tmp_path / "new", site)
    shutil.copytree(CHECKOUT / "workflow/rules", tmp_path / "other/rules")
    shutil.copy(CHECKOUT / "workflow/Snakefile", tmp_path / "other")
    with (tmp_path / "other/rules/runs.smk").open("a") as file:
        file.write("# of a later version\n")
    snakefile = str(tmp_path / "other/Snakefile")
    project.write("Snakefile", MODULE.format(snakefile=repr(snakefile)))
    done = project.run("snakemake", "-n", check=False)
    assert done.returncode
    line = next(line for line in done.stdout.splitlines() if "fairtrial 0.1.0" in line)
    assert "runs.smk differs" in line and "install" in line
    assert not (project.root / "params.yaml").exists()


def test_conda_makes_the_environment_of_the_lock(site: Path, tmp_path: Path) -> None:
    """`snakemake --sdm conda`, with a stand-in for conda, in a project that has no lock itself:
    what conda is given, and that the job uses what it made."""
    project = InstalledProject(tmp_path / "new", site)
    project.init()
    project.write("config/sources/shapes.yaml", QUICK_SOURCE)
    conda = tmp_path / "conda/bin"
    conda.mkdir(parents=True)
    shutil.copy(STUBS / "conda", conda)
    (conda / "activate").write_text(ACTIVATE)
    project.env |= {"STUB_CONDA": str(conda.parent), "STUB_PYTHON": sys.executable}
    path = f"{conda}:{project.env['PATH']}"
    project.run("snakemake", "--sdm", "conda", "--cores", "1", "downloaded", PATH=path)
    given = (conda.parent / "given.yaml").read_text()
    assert given == (CHECKOUT / "workflow/envs/fairtrial.yaml").read_text()
    assert "--require-hashes" in (conda.parent / "pip").read_text()
    lock = (conda.parent / "given.lock").read_text()
    assert lock == (CHECKOUT / "requirements.lock").read_text()
    (command,) = project.root.glob(".snakemake/conda/*/bin/fairtrial")
    launcher = (CHECKOUT / "workflow/fairtrial_command.py").read_text()
    assert command.read_text().endswith(launcher)
    assert f"{command} download" in (conda.parent / "called").read_text(), "the job's command"
