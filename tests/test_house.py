"""What every module and rule of the house keeps to; the folders are listed."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import statistics
import subprocess
import sys
import typing
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from pydantic import BaseModel

from fairtrial.__main__ import COMMANDS, STAGES, parsed_docstring
from fairtrial.lineage.made import made_file
from fairtrial.lineage.outputs import OUTPUTS
from fairtrial.planning import fingerprint
from fairtrial.planning.config_files import plugin_settings
from fairtrial.planning.plan import Plan
from fairtrial.plugins import plugins
from fairtrial.settings.params import COMMON, SECTIONS
from fairtrial.training.settings import TrainingSettings

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "workflow/fairtrial"
MODULES = {
    path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", "."): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
# In the order in which workflow/Snakefile includes them.
INCLUDED = re.findall(r'^include: "(.*)"$', (ROOT / "workflow/Snakefile").read_text(), re.M)
RULES_FILES = [ROOT / "workflow" / name for name in INCLUDED]


def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


# --------------------------------------------------------------------------- rules


def rules() -> dict[str, dict[str, str]]:
    """Each rule: its docstring and its sections as they are written."""
    sections = {}
    text = "\n".join(path.read_text(encoding="utf-8") for path in RULES_FILES)
    for name, body in re.findall(r"^(?:rule|checkpoint) (\w+):\n((?:    .*\n|\n)+)", text, re.M):
        parts = re.split(r"^    (\w+):", body, flags=re.M)
        sections[name] = {"": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))
    return sections


RULES = rules()


def test_rule_module_and_subcommand_share_a_name() -> None:
    assert tuple(RULES) == STAGES, "in running order"
    assert sorted(RULES_FILES) == sorted((ROOT / "workflow/rules").glob("*.smk"))
    assert {name for name in MODULES if name.startswith("stages.")} == {
        *(f"stages.{name}" for name in STAGES),
        "stages.__init__",
    }
    for name in STAGES:
        assert f'"fairtrial {name}"' in RULES[name]["shell"]


@pytest.mark.parametrize("name", STAGES)
def test_the_flags_of_a_rule_are_the_signature_of_its_stage(name: str) -> None:
    """A flag that is missing fails hours later, one that is misspelt too."""
    flags = re.findall(r'" --([\w-]+) ', RULES[name]["shell"])
    function = getattr(importlib.import_module(f"fairtrial.stages.{name}"), name)
    parameters = inspect.signature(function).parameters
    assert flags[:2] == ["made", "job-code"], "which all stages have"
    assert [flag.replace("-", "_") for flag in flags[2:]] == list(parameters)
    assert {p.kind for p in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("name", (*COMMANDS, *STAGES))
def test_every_subcommand_has_a_summary_and_a_text_for_each_flag(name: str) -> None:
    """`--help` is made of the docstring: one line of summary, `Args:` with every parameter."""
    folder = "stages" if name in STAGES else "commands"
    identifier = name.replace("-", "_")
    module = importlib.import_module(f"fairtrial.{folder}.{identifier}")
    function = getattr(module, identifier)
    description, texts = parsed_docstring(function)
    summary = description.split("\n\n")[0]
    assert re.fullmatch(r"[A-Z][^\n]{10,78}\.", summary)
    assert list(texts) == list(inspect.signature(function).parameters)
    assert [parameter for parameter, text in texts.items() if not text] == []


@pytest.mark.parametrize("name", STAGES)
def test_the_settings_of_a_stage_are_a_frozen_closed_model(name: str) -> None:
    function = getattr(importlib.import_module(f"fairtrial.stages.{name}"), name)
    annotation = typing.get_type_hints(function)["settings"]
    models = typing.get_args(annotation) or (annotation,)  # one, or one a task
    for model in models:
        assert issubclass(model, BaseModel)
        assert model.model_config["frozen"] is True
        assert model.model_config["extra"] == "forbid"


@pytest.mark.parametrize("name", STAGES)
def test_a_rule_is_whole(name: str) -> None:
    rule = RULES[name]
    assert rule[""].strip().startswith('"""'), "no docstring"
    assert {"output", "log", "benchmark", "params", "shell"} <= set(rule)
    assert '" > {log:q} 2>&1"' in rule["shell"]
    assert f'settings=lambda w: settings("{name}"' in rule["params"]
    assert f'code=lambda w: PLAN.code("{name}"' in rule["params"]
    for section in ("input", "output"):
        lines = re.findall(r"^ {8}(\S.*)", rule.get(section, ""), re.M)
        files = [line for line in lines if line != "),"]  # which ends `report(…`
        assert [file for file in files if not re.match(r"\w+=", file)] == [], "a file has no name"


@pytest.mark.parametrize("name", STAGES)
def test_outputs_and_record_of_a_rule_are_those_that_are_checked(name: str) -> None:
    """Else a file that a rule writes could be missing or changed, and nobody would say so."""
    marked = re.compile(r'^ {8}(\w+)=(?:\w*report\(\s+)?"([^"]*)",$', re.M)
    files = marked.findall(RULES[name]["output"])
    of_rule = {
        flag: re.sub(r"\{(run\}@\{probe|source|dataset|run|study|choice)\}", "{name}", file)
        for flag, file in files
    }
    assert of_rule == OUTPUTS[name]
    flags = re.findall(r'" --([\w-]+) \{output\.(\w+):q\}"', RULES[name]["shell"])
    assert [flag for flag, output in flags if flag.replace("-", "_") != output] == []
    (made,) = re.findall(r'" --made (\S+)"', RULES[name]["shell"])
    wildcards = re.sub(r"\{wildcards\.(\w+)\}", r"<\1>", made)
    named = {"search": "<study>-<worker>", "study": "<study>", "split": "<dataset>"}
    named |= {"choose": "<choice>", "probe": "<run>@<probe>"}
    named |= dict.fromkeys(("download", "convert"), "<source>")
    assert wildcards == made_file(name, named.get(name, "<run>"), "<experiment>")


@pytest.mark.parametrize("name", STAGES)
def test_what_is_not_a_number_is_quoted(name: str) -> None:
    """A path with a space, or settings in JSON, would be several arguments."""
    placeholders = re.findall(
        r"\{((?:params|input|output|log|threads)[^}]*)\}", RULES[name]["shell"]
    )
    bare = {text for text in placeholders if not text.endswith(":q")}
    assert bare <= {"threads", "params.code", "params.fit"}


@pytest.mark.parametrize("path", RULES_FILES, ids=lambda path: path.name)
def test_a_file_of_rules_is_short_and_says_what_it_is_for(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    assert lines[0].startswith("# Purpose: ")
    if path.name not in {"common.smk", "inputs.smk", "choice_inputs.smk"}:
        assert not re.search(r"^\s*(def|run:|script:)", "\n".join(lines), re.M)


# --------------------------------------------------------------------------- doors

# Who stands on whose shoulders: a module imports from its own folder and from lower levels.
LEVELS = [
    ["fairtrial"],
    ["files", "plugins"],
    ["store"],
    ["devices", "lineage"],
    ["data"],
    ["scoring"],
    ["settings"],
    ["training"],
    ["use"],
    ["backends", "formats", "planning", "serving", "sources"],
    ["search"],
    ["display", "results"],
    ["figures", "report"],
    ["stages", "trackers"],
    ["commands"],
    ["__main__"],
]


def level(module: str) -> int:
    top = module.partition(".")[0]
    return next(number for number, names in enumerate(LEVELS) if top in names)


def imported(module: str) -> set[str]:
    """The modules of the package that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import; the fingerprint sees none"
            for alias in node.names:
                assert alias.name != "*", f"{module}: import *; the fingerprint sees none"
                whole = f"{node.module}.{alias.name}".removeprefix("fairtrial.")
                names.add(f"fairtrial.{whole}" if whole in MODULES else str(node.module))
    inside = {name for name in names if name.partition(".")[0] == "fairtrial"}
    return {name.removeprefix("fairtrial.") for name in inside}


def test_every_module_has_its_place() -> None:
    for module in MODULES:
        if module != "__init__":
            level(module)


@pytest.mark.parametrize("module", [name for name in MODULES if name != "__init__"])
def test_imports_go_down_only(module: str) -> None:
    top = module.partition(".")[0]
    for other in imported(module):
        if other.partition(".")[0] == top:
            continue
        assert level(other) < level(module), f"{module} imports {other}"


def test_nothing_is_imported_in_a_circle() -> None:
    known = {name: imported(name) & set(MODULES) for name in MODULES}
    tuple(TopologicalSorter(known).static_order())


def test_jobs_know_nothing_of_planning() -> None:
    """They get plain resolved values; else an edit of settings.py might change a result."""
    for module in MODULES:
        if module.partition(".")[0] not in {"__main__", "commands", "planning", "trackers"}:
            planning = {name for name in imported(module) if name.startswith("planning")}
            assert planning == set(), module


HEAVY = ["cv2", "dvc", "matplotlib", "pandas", "pycocotools", "seaborn", "snakemake", "torch"]
HEAVY += ["typst", "ultralytics"]


@pytest.mark.parametrize(
    "start",
    [
        "import fairtrial.__main__",
        "from fairtrial.__main__ import _parser; _parser(['train']), _parser(['report'])",
        "; ".join(f"import fairtrial.stages.{name}" for name in STAGES),
        "from fairtrial.planning.plan import Plan; Plan.read().sources",
    ],
    ids=["command", "parser", "stages", "plan"],
)
def test_nothing_heavy_is_imported_at_the_start(start: str) -> None:
    code = f"import sys; {start}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


# --------------------------------------------------------------------------- params.yaml


def lines_of_params() -> list[tuple[str, str, str]]:
    """Section ("" for training), key, and comment of each line of params.yaml with a key."""
    lines, section = [], ""
    for line in (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines():
        match = re.match(r"^( *)(\w+):([^#]*)(#.*)?$", line)
        if match and match[1] == "" and match[2] in SECTIONS:
            section = match[2]
        elif match:
            lines.append((section if match[1] else "", match[2], (match[4] or "").strip("# ")))
    return lines


@pytest.mark.parametrize(
    ("section", "key", "comment"),
    [
        pytest.param(section, key, comment, id=f"{section}.{key}".lstrip("."))
        for section, key, comment in lines_of_params()
    ],
)
def test_every_key_of_params_is_read_and_explained(
    section: str, key: str, comment: str, plan: Plan
) -> None:
    assert comment, f"{key} has no comment"
    if not section:
        models = [plugin_settings("backends", name, "") for name in plugins("backends")]
        assert key in COMMON or any(key in model.model_fields for model in models)
        return
    entries = plan.entries(section, next(iter(plan.chosen.runs)))
    texts = [MODULES[place].read_text() for place in modules(entries)]
    reads = re.compile(rf'"{key}"|\.{key}\b|\b{key}: ')  # or gets it as a parameter
    assert any(reads.search(text) for text in texts), "no stage reads it"


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The plan of the shipped experiment."""
    monkeypatch.chdir(ROOT)
    shipped = Plan.read()
    assert shipped.sources
    return shipped


def modules(entries: list[str]) -> set[str]:
    reached = {module for module, _ in fingerprint.reached(*entries)}
    return {name if name in MODULES else f"{name}.__init__" for name in reached}


# --------------------------------------------------------------------------- plugins

CONTRACT = {
    "sources": {"fetch": ["settings", "name", "folder", "downloads"], "needs": ["settings"]},
    "formats": {"read": ["folder", "options"]},
    "backends": {
        "fit": ["settings", "data", "pretrained", "folder", "threads", "after_epoch"],
    },
}
MODEL = ["weights", "categories", "settings", "threads"]  # of `detector` or `classifier`
PLUGINS = [(kind, name) for kind in CONTRACT for name in plugins(kind)]


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_a_plugin_keeps_its_contract(kind: str, name: str) -> None:
    module = importlib.import_module(f"fairtrial.{kind}.{name}")
    assert module.__doc__
    assert issubclass(module.Settings, BaseModel)
    assert module.Settings.model_config["extra"] == "forbid"
    assert module.Settings.model_config["frozen"] is True
    for function, parameters in CONTRACT[kind].items():
        implementation = getattr(module, function)
        assert list(inspect.signature(implementation).parameters) == parameters
        assert inspect.getdoc(implementation), f"{function} has no docstring"
    if kind == "backends":
        models = [getattr(module, n) for n in ("detector", "classifier") if hasattr(module, n)]
        assert models, "it neither detects nor classifies"
        assert all(list(inspect.signature(model).parameters) == MODEL for model in models)
        if hasattr(module, "exportable"):
            assert list(inspect.signature(module.exportable).parameters) == ["weights", "settings"]


@pytest.mark.parametrize("name", plugins("backends"))
def test_a_backend_has_what_the_rules_and_the_report_need(name: str) -> None:
    model = plugin_settings("backends", name, "")
    assert issubclass(model, TrainingSettings)
    fields = model.model_fields
    assert not set(fields) & (set(SECTIONS) | COMMON), "the name of a section"


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_a_plugin_is_imported_without_anything_heavy(kind: str, name: str) -> None:
    """The plan imports every backend to know its keys, for every `snakemake -n`."""
    test_nothing_heavy_is_imported_at_the_start(f"import fairtrial.{kind}.{name}")


# --------------------------------------------------------------------------- style


def functions(module: str) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef)]


def length(node: ast.FunctionDef) -> int:
    """The lines of a function without its docstring, which may describe a flag a line."""
    first, last = node.body[0], node.body[-1]
    docstring = 0
    if ast.get_docstring(node) is not None:
        docstring = (first.end_lineno or 0) - first.lineno + 1
    return (last.end_lineno or 0) - node.lineno + 1 - docstring


@pytest.mark.parametrize(
    "folder",
    [
        "files",
        "store",
        "devices",
        "data",
        "scoring",
        "settings",
        "training",
        "planning",
        "results",
        "search",
        "lineage",
        "display",
        "use",
        "serving",
    ],
)
def test_a_folder_names_its_modules(folder: str) -> None:
    docstring = ast.get_docstring(tree(f"{folder}.__init__")) or ""
    names = [path.stem for path in (PACKAGE / folder).glob("[!_]*.py")]
    assert names and [name for name in names if not re.search(rf"\b{name}\b", docstring)] == []


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_short_and_says_what_it_is_for(module: str) -> None:
    text = MODULES[module].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 500, "a guideline of 300 lines; more needs a reason"
    assert ast.get_docstring(tree(module))
    assert module.rpartition(".")[2] not in {"utils", "helpers", "misc", "common"}


@pytest.mark.parametrize("module", MODULES)
def test_functions_are_short_and_public_ones_are_described(module: str) -> None:
    for node in functions(module):
        assert length(node) <= 50, f"{node.name}: {length(node)} lines"
    top = [node for node in tree(module).body if isinstance(node, ast.FunctionDef)]
    public = [node for node in top if not node.name.startswith("_")]
    assert [node.name for node in public if not ast.get_docstring(node)] == []


def has_any(annotation: ast.expr) -> bool:
    """Whether `Any` stands somewhere in an annotation, as in `dict[str, Any]`."""
    return any(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(annotation))


def test_any_is_rare() -> None:
    returns, parameters = [], []
    for node in (node for module in MODULES for node in functions(module)):
        returns += [has_any(node.returns)] if node.returns else []
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        every += [each for each in (node.args.vararg, node.args.kwarg) if each]
        parameters += [has_any(each.annotation) for each in every if each.annotation]
    assert sum(returns) <= 0.05 * len(returns)
    assert sum(parameters) <= 0.10 * len(parameters)


def test_no_two_classes_have_one_name() -> None:
    """But for plugins' `Settings`, and private ones."""
    names = Counter(
        node.name
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    del names["Settings"]
    assert [name for name, count in names.items() if count > 1] == []


def test_half_of_all_functions_have_ten_lines_or_fewer() -> None:
    lengths = sorted(length(node) for module in MODULES for node in functions(module))
    assert statistics.median(lengths) <= 10
    assert lengths[int(0.9 * len(lengths))] <= 30


TABLES = {"files/csvfile.py"}  # the door
TABLES |= {"formats/_tables.py", "formats/_table_recognition.py"}  # tables of others
TABLES |= {"commands/_submission_rows.py"}  # as others want it, to the letter
TABLES |= {"training/checkpoint.py", "search/worker.py", "trackers/_collecting.py"}  # numbers alone
TABLES |= {"results/csv_files.py", "report/tables.py"}  # by pandas, with its escapes


def test_tables_are_written_and_read_through_one_door() -> None:
    """A name from an annotation must be no formula where a person opens the table."""
    calls = re.compile(r"csv\.(reader|writer|Dict\w+)\(|\.(to|read)_csv\(|pandas\.read_csv")
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if calls.search(path.read_text(encoding="utf-8"))
    }
    assert found == TABLES


def test_no_checkpoint_is_opened_beside_the_door() -> None:
    """`torch.load` runs what is in a file, unless it is told to take tensors alone."""
    opened = {
        f"{path.relative_to(PACKAGE).as_posix()}: {line.strip()}"
        for path in PACKAGE.rglob("*.py")
        if path.name != "unpickling.py"
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"torch\.load\(|pickle\.loads?\(|YOLO\(", line)
        and "weights_only=True" not in line
        and path.name != "_ultralytics_files.py"
    }
    assert opened == set()
