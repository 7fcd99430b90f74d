"""What the documentation says exists: keys, files, targets; its examples are valid."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from fairtrial.data.defects import KINDS
from fairtrial.files.yamlfile import read_yaml
from fairtrial.planning import config_files
from fairtrial.planning.plan import Plan
from fairtrial.planning.sources import read_source
from fairtrial.plugins import plugin, plugins
from fairtrial.settings import dataset, experiment, grid, params, search, split_rule
from fairtrial.settings.params import SECTIONS

PROJECT = Path(__file__).parents[1]
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted(PROJECT.glob("docs/**/*.md"))]
PAGES += [PROJECT / "config/README.md"]
KEYS = PAGES[-1].read_text(encoding="utf-8")

# The prefix that the keys of a model have in the tables: `predict.conf`. Those of the others stand
# alone.
PREFIXES = {model: f"{name}." for name, model in SECTIONS.items()}
PREFIXES |= {params.SpeedSection: "predict.", params.PredictSection: "predict."}
PREFIXES |= {split_rule.SplitRule: "split.", split_rule.BalanceRule: "balance."}
ROW = re.compile(r"^\| `([\w.]+)` \|(.*)\|$", re.MULTILINE)


def part(heading: str) -> dict[str, str]:
    """The rows of one section of config/README.md: key → the other cells."""
    parts = re.split(r"^#+ (.+)$", KEYS, flags=re.MULTILINE)
    return dict(ROW.findall(parts[parts.index(heading) + 1]))


def models_of_settings() -> list[type[BaseModel]]:
    types = [
        value
        for module in (params, experiment, grid, dataset, split_rule)
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__
    ]
    return [model for model in types if issubclass(model, BaseModel) and model.model_fields]


def test_every_key_of_params_is_described() -> None:
    params = config_files.read_params(PROJECT / "params.yaml")
    keys = [name for name in params if name not in SECTIONS]
    keys += [f"{name}.{key}" for name in SECTIONS for key in params[name]]
    assert not set(keys) - set(dict(ROW.findall(KEYS)))


def test_every_key_of_a_search_is_described() -> None:
    rows = part("search")
    fields = search.SearchSettings.model_fields
    assert set(rows) == {field.alias or name for name, field in fields.items()}
    for key in ("engine", "workers", "seed", "pruning"):
        documented = rows[key].split("|")[1].strip().strip("`")
        default = search.SearchSettings.model_fields[key].default
        assert [documented] == list(map(str, default if isinstance(default, tuple) else [default]))
    assert not {name for name in search.Range.model_fields if f"`{name}`" not in rows["space"]}


@pytest.mark.parametrize("model", models_of_settings(), ids=lambda model: model.__name__)
def test_every_key_of_settings_is_described(model: type[BaseModel]) -> None:
    prefix = PREFIXES.get(model, "")
    assert not {prefix + name for name in model.model_fields} - set(dict(ROW.findall(KEYS)))


PLUGINS = [(kind, name) for kind in ("sources", "formats") for name in plugins(kind)]


@pytest.mark.parametrize(("kind", "name"), PLUGINS, ids="-".join)
def test_a_plugin_has_a_section_with_its_keys_and_defaults(kind: str, name: str) -> None:
    rows = part(name)
    model = config_files.plugin_settings(kind, name, "")
    top = {key for key in rows if "." not in key}
    own = {key: field for key, field in model.model_fields.items() if key != "splits"}
    assert top == set(own), "`splits` is a key of every format, beside its options"
    for key, field in own.items():
        if isinstance(field.default, str | int | float | None):
            documented = rows[key].split("|")[1].strip().strip("`")
            assert documented == json.dumps(field.default).strip('"'), key


def test_every_kind_of_defect_is_described_with_its_actions() -> None:
    """In the order of the actions: the first is the default."""
    rows = part("Defects")
    assert set(rows) == set(KINDS)
    for name, kind in KINDS.items():
        cell = re.sub(r"\([^)]*\)", "", rows[name].rsplit("|", 1)[1])
        assert [action.strip() for action in cell.split(",")] == list(kind.actions), name


def test_every_format_is_in_the_table_of_formats_with_what_writing_loses() -> None:
    text = (PROJECT / "docs/formats.md").read_text(encoding="utf-8")
    rows = {
        name: cells.split(" | ")
        for name, cells in re.findall(r"^\| `(\w+)` \| (.*)\|$", text, re.M)
    }
    assert set(rows) == set(plugins("formats"))
    for name, cells in rows.items():
        module = plugin("formats", name)
        assert cells[2] == ("yes" if hasattr(module, "WRITES") else "no"), name
        assert cells[3].strip() == getattr(module, "LOSES", ""), name


@pytest.mark.parametrize("name", plugins("backends"))
def test_every_key_of_a_backend_is_described(name: str) -> None:
    model = config_files.plugin_settings("backends", name, "")
    assert not set(model.model_fields) - set(part("Training"))


def links() -> list[tuple[str, str]]:
    pairs = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http", "#")):
                pairs.append((str(page.relative_to(PROJECT)), target.partition("#")[0]))
    return sorted(set(pairs))


@pytest.mark.parametrize(("page", "target"), links(), ids=" to ".join)
def test_what_a_page_links_to_exists(page: str, target: str) -> None:
    assert (PROJECT / page).parent.joinpath(target).exists()


def test_every_target_of_make_exists() -> None:
    makefile = PROJECT / "Makefile"
    if not makefile.exists():
        pytest.skip("there is no Makefile yet")
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", makefile.read_text(encoding="utf-8"), re.MULTILINE))
    assert named and named <= targets


def examples() -> dict[str, str]:
    """The YAML files that the pages show, by the path in their first line."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    blocks = re.findall(r"^```yaml\n(# (\S+)\n.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == text.count("```yaml"), "a YAML block does not begin with its path"
    return {path: content for content, path in blocks}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings as shipped, together with the examples."""
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    for path, content in examples().items():
        (tmp_path / path).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", examples())
def test_an_example_is_valid(path: str, project: Path) -> None:
    folder, name = Path(path).parent.name, Path(path).stem
    if folder == "experiments":
        plan = Plan.read(name)
        assert plan.chosen.runs and plan.sources
    elif folder == "datasets":
        for data_set in config_files.data_sets(name):
            assert read_source(config_files.read_dataset(data_set).source).convert
    else:
        assert folder == "sources"
        assert read_source(name).download.name == name


def test_every_dependency_is_accounted_for() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    text = PAGES[1].read_text(encoding="utf-8")
    names = {re.split(r"[<>=!~ \[]", requirement)[0] for requirement in requirements}
    assert not {name for name in names if f"`{name}`" not in text}


def test_every_condition_under_which_settings_act_is_in_the_table() -> None:
    text = KEYS
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    written = {(row[0], row[2]): row[1] for row in rows if len(row) == 3}
    declared: dict[tuple[str, str], list[str]] = {}
    for backend in plugins("backends"):
        for effect in plugin("backends", backend).EFFECTS:
            names = ", ".join(f"`{name}`" for name in effect.settings)
            names = "all but those of the model" if "train_share" in effect.settings else names
            declared.setdefault((names, effect.when), []).append(backend)
    for place, backends in declared.items():
        is_all = set(backends) == set(plugins("backends"))
        assert written.get(place) == ("all" if is_all else ", ".join(backends)), place


def test_hooks_and_hosted_checks_run_the_projects_own_tools() -> None:
    """Hooks of others would be fetched, in versions of their own."""
    repos = read_yaml(PROJECT / ".pre-commit-config.yaml", "hooks")["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    for hook in repos[0]["hooks"]:
        program = hook["entry"].split()[0]
        assert program.removeprefix(".venv/bin/") in project["optional-dependencies"]["dev"]
    jobs = read_yaml(PROJECT / ".github/workflows/ci.yml", "workflow")["jobs"]
    assert [step.get("run") for job in jobs.values() for step in job["steps"]][-1] == ".ci/run"
    assert (PROJECT / ".ci/run").stat().st_mode & 0o111
