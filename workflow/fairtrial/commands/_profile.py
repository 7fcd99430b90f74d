"""The resources that a Snakemake profile requests from SLURM for each kind of job."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from fairtrial import SettingsError
from fairtrial.files.yamlfile import read_yaml

# The rules whose jobs go to SLURM; other jobs run on the machine on which Snakemake runs.
SUBMITTED = (
    "convert",
    "split",
    "search",
    "study",
    "train",
    "predict",
    "validate",
    "batch",
    "probe",
    "plot",
)
_UNITS = {"s": 1 / 60, "m": 1, "h": 60, "d": 1440, "w": 10080}  # minutes


@dataclass(frozen=True)
class JobRequest:
    """The request for rules that run as one job, at one attempt; None: no request."""

    rules: str
    partition: str | None
    gres: str | None
    constraint: str | None
    minutes: float | None
    memory: float | None  # MB
    processors: float | None


@dataclass(frozen=True)
class Profile:
    """A profile's file and its content."""

    path: Path
    content: dict[str, Any]

    @property
    def is_slurm(self) -> bool:
        """Whether its jobs go to SLURM."""
        return self.content.get("executor") == "slurm"

    def jobs(self, *, last: bool = False) -> list[JobRequest]:
        """Every kind of job, at its first or its last attempt. Raises SettingsError for a value
        that cannot be evaluated."""
        groups: dict[str, list[str]] = {}
        for rule in SUBMITTED:
            group = self.content.get("groups", {}).get(rule, rule)
            groups.setdefault(group, []).append(rule)
        return [self._job(rules, self._attempts(rules) if last else 1) for rules in groups.values()]

    def _attempts(self, rules: list[str]) -> int:
        """How often a job is tried: the most attempts of its rules."""
        retries = int(self.content.get("retries", 0))
        preemptible = self.content.get("preemptible-rules", ())
        more = int(self.content.get("preemptible-retries", retries))
        return 1 + max(more if rule in preemptible else retries for rule in rules)

    def _job(self, rules: list[str], attempt: int) -> JobRequest:
        """The request of a job, which runs its rules one after the other: times are added, memory
        and CPUs are the maximum."""
        default = self.content.get("default-resources", {})
        of_rules = self.content.get("set-resources", {})
        resources = [default | of_rules.get(rule, {}) for rule in rules]

        def number(key: str, combine: Callable[[list[float]], float]) -> float | None:
            values = [resource[key] for resource in resources if key in resource]
            if not values:
                return None
            where = f"{self.path}: `{key}` of {rules[0]}"
            return combine([evaluated(value, attempt, where) for value in values])

        def text(key: str) -> str | None:
            value = resources[0].get(key)
            return None if value is None else str(value).strip("'\"")

        return JobRequest(
            " and ".join(rules),
            text("slurm_partition"),
            text("gres"),
            text("constraint"),
            number("runtime", sum),
            number("mem_mb", max),
            number("cpus_per_task", max),
        )


def read_profile(name: str) -> Profile:
    """A profile by its path, or by its name below profiles/.

    Reads the file that Snakemake would: config.v9+.yaml, else config.v8+.yaml, else config.yaml.
    Raises SettingsError where there is none.
    """
    major = int(metadata.version("snakemake").partition(".")[0])
    files = [f"config.v{version}+.yaml" for version in range(major, 7, -1)] + ["config.yaml"]
    for folder in (Path(name), Path("profiles", name)):
        for path in (folder / file for file in files):
            if path.is_file():
                return Profile(path, read_yaml(path))
    raise SettingsError(f"there is no profile {name}, and no profiles/{name}/config.yaml")


def evaluated(value: object, attempt: int, where: str) -> float:
    """A value of a profile as a number: `60 * attempt`, `min(…)`, `2d` (in minutes), 4000.

    where: names the value in the SettingsError that is raised for other texts.
    """
    if isinstance(value, int | float):
        return float(value)
    text = str(value).strip()
    if match := re.fullmatch(r"([\d.]+)\s*([smhdw])", text):
        return float(match[1]) * _UNITS[match[2]]
    try:
        return _value(ast.parse(text, mode="eval").body, attempt)
    except (SyntaxError, KeyError, TypeError, ArithmeticError) as error:
        raise SettingsError(f"{where} is {text!r}, which cannot be evaluated here") from error


_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {"min": min, "max": max, "int": int}


def _value(node: ast.expr, attempt: int) -> float:
    """The value of an expression of numbers, `attempt`, + - * / // **, min, max and int. Raises
    KeyError for all others, so that no code of a profile is run."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name):
        return float({"attempt": attempt}[node.id])
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, attempt), _value(node.right, attempt)
        return _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return float(
            _FUNCTIONS[node.func.id](*(_value(argument, attempt) for argument in node.args))
        )
    raise KeyError(type(node).__name__)
