"""Options of Snakemake that would be ignored, or do something else than they say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from fairtrial import SettingsError
from fairtrial.files.yamlfile import nearest

EXPERIMENT = "experiment"  # the one key of --config
BEFORE = ("download", "convert", "split")  # the rules up to the checkpoint
TARGETS = {  # rule → the target that ends with it
    "download": "downloaded",
    "split": "datasets",
    "train": "trained",
    "predict": "predicted",
    "validate": "scored",
}


def refuse_until(until: Collection[str], omit_from: Collection[str]) -> None:
    """Raise SettingsError where `--until` or `--omit-from` names a rule or file behind `split`.

    Snakemake decides by them once, before the checkpoint `split` has run, when no job behind it
    exists: the workflow would end after the data, and say that all is done.
    """
    problems = [
        f"{option} {name}: {_remedy(name)}"
        for option, names in (("--until", until), ("--omit-from", omit_from))
        for name in sorted(set(names) - set(BEFORE))
    ]
    if problems:
        raise SettingsError("\n".join(problems))


def refuse_config(config: Mapping[str, object], config_files: Collection[Path]) -> None:
    """Raise SettingsError for a file with settings, and for keys of `--config`, or of a module's
    `config:`, but `experiment`: nothing would read them."""
    if config_files:
        listed = " ".join(map(str, config_files))
        raise SettingsError(
            f"--configfile {listed}: nothing reads it; settings stand in params.yaml and config/"
        )
    experiment = config.get(EXPERIMENT, "")
    if not isinstance(experiment, str):
        raise SettingsError(
            f"--config {EXPERIMENT}={experiment}: must be the name of a file in config/experiments/"
        )
    if unknown := sorted(key for key in config if key != EXPERIMENT):
        raise SettingsError("\n".join(f"--config {key}: {_of_config(key)}" for key in unknown))


def refuse_place(project: Path) -> None:
    """Raise SettingsError for a project in a folder whose path has braces: Snakemake takes them for
    names of variables."""
    if "{" in str(project) or "}" in str(project):
        raise SettingsError(
            f"{project}: Snakemake cannot work in a folder with a brace in its path; rename it, or "
            "move the project"
        )


def _remedy(name: str) -> str:
    if name in TARGETS:
        return f"acts only up to the rule split; type `snakemake {TARGETS[name]}` instead"
    return (
        "acts only up to the rule split; name what is wanted as a target instead: "
        f"{', '.join(TARGETS.values())}, or a file"
    )


def _of_config(key: str) -> str:
    return (
        f"only `{EXPERIMENT}` can be chosen here{nearest(key, [EXPERIMENT])}; other settings are "
        f"changed in params.yaml, or with `dvc exp run -S {key}=…`"
    )
