"""What a wheel holds beside the package: the workflow, and what `fairtrial init` lays out.

All else is in pyproject.toml, which cannot give a package a folder with such a name as `.`. A wheel
has these files in `fairtrial/project/`, as they lie in the checkout.
"""

from setuptools import find_packages, setup

PROJECT = [
    *("workflow/Snakefile", "workflow/rules/*.smk", "workflow/schemas/*.json"),
    *("workflow/envs/*.yaml", "workflow/envs/*.sh", "workflow/report/*.rst", "requirements.lock"),
    *("config/README.md", "config/config.yaml", "config/*/*"),
    *("profiles/*/config.yaml", "profiles/*/*.sh"),
    *("params.yaml", "dvc.yaml", ".gitignore", ".dvcignore"),
    *(".dvc/config", ".dvc/.gitignore", ".dvc/plots/*.json"),
]

setup(
    packages=[*find_packages("workflow"), "fairtrial.project"],
    package_dir={"": "workflow", "fairtrial.project": "."},
    package_data={
        "fairtrial": [f"**/*.{kind}" for kind in ("css", "html", "js", "typ")],
        "fairtrial.project": PROJECT,
    },
)
