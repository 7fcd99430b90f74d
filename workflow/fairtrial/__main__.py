"""The command line: one subcommand a function, its flags and help from signature and docstring."""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import re
import signal
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fairtrial
from fairtrial.files import disk

COMMANDS = (  # in the order in which a person needs them
    "init",
    "new",
    "start",
    "status",
    "join",
    "stop",
    "compare",
    "data",
    "lr-range",
    "fit-batch",
    "promote",
    "export-model",
    "evaluate",
    "detect",
    "serve",
    "submission",
    "export-data",
    "track",
    "doctor",
    "verify",
    "repair",
    "accept",
    "gc",
)
STAGES = (  # in running order
    "download",
    "convert",
    "split",
    "search",
    "study",
    "choose",
    "receive",
    "train",
    "predict",
    "validate",
    "batch",
    "probe",
    "plot",
    "report",
)
HANDED_ON = ("start",)  # commands whose arguments are another program's
RENAMED = {"annotate": "detect", "export": "export-data"}
DESCRIPTION = "Fair, reproducible trials of image models."


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand; return 0, or 1 after one plain message on stderr (130: interrupted)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if (new := RENAMED.get("".join(arguments[:1]))) is not None:
        print(f"fairtrial: `{arguments[0]}` is called `{new}` now", file=sys.stderr)
        return 2
    if arguments[:1] in [[name] for name in HANDED_ON] and arguments[1:2] not in (
        ["-h"],
        ["--help"],
    ):
        options: dict[str, Any] = {"command": arguments[0], "arguments": arguments[1:]}
    else:
        options = vars(_parser(arguments[:1]).parse_args(arguments))
    name = options.pop("command")
    try:
        function = _function(name)
        if name in STAGES:
            _make(name, function, options, arguments)
        else:
            function(*_without_flags(function, options), **options)
    except fairtrial.FairtrialError as error:
        print(f"fairtrial {name}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.strerror is None:  # raised by a library, not by the operating system
            raise
        place = disk.place_of(error, map(Path, ("results", "data", "store", "logs")))
        text = f"{place}: {error.strerror}" if place else error.strerror
        print(f"fairtrial {name}: {text}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        print(f"fairtrial {name}: interrupted {error}".rstrip(), file=sys.stderr)
        return 130
    return 0


def _make(
    name: str, function: Callable[..., None], options: dict[str, Any], arguments: list[str]
) -> None:
    """Run a stage; where a rule has called it, also write the record of what it made."""
    made, code = options.pop("made"), options.pop("job_code")
    from fairtrial.devices import pinning

    def on_gpu(**flags: object) -> None:
        pinning.begin(name, made)
        function(**flags)

    if made is None:
        on_gpu(**options)
        return
    from fairtrial.lineage.making import StageCall, make

    settings = _json(arguments[arguments.index("--settings") + 1])
    texts = parsed_docstring(function)[1].items()
    outputs = {flag for flag, text in texts if re.match(r"(file|folder) to write\b", text)}
    make(StageCall(name, settings, code, made, outputs - {"progress"}), on_gpu, options)


def interrupt_on_signals() -> None:
    """Handle SIGTERM and SIGUSR1 (scancel, a time limit, preemption) like Ctrl-C: raise
    KeyboardInterrupt in the main thread.

    So temporary files and locks are removed. Finished epochs are in the store already.
    """
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, _interrupt)


def _interrupt(number: int, _: object) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


# --------------------------------------------------------------------------- functions


def _module(name: str) -> str:
    """The module of a subcommand, within the package: `export-data` → `commands.export_data`."""
    return f"{'stages' if name in STAGES else 'commands'}.{name.replace('-', '_')}"


def _function(name: str) -> Callable[..., None]:
    module = importlib.import_module(f"fairtrial.{_module(name)}")
    function: Callable[..., None] = getattr(module, name.replace("-", "_"))
    return function


def _without_flags(function: Callable[..., None], options: dict[str, Any]) -> list[Any]:
    """The arguments without a flag, in their order, taken out of `options`: those of parameters
    that are positional only, and of `*names`."""
    arguments = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            arguments.append(options.pop(name))
        elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            arguments += options.pop(name)
    return arguments


def _summary(name: str) -> str:
    """The first sentence of a subcommand's docstring, read without importing its module."""
    path = Path(__file__).parent.joinpath(*_module(name).split(".")).with_suffix(".py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == name.replace("-", "_"):
            text = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
            return re.split(r"(?<=\.) ", text)[0].rstrip(".")
    return ""


def parsed_docstring(function: Callable[..., object]) -> tuple[str, dict[str, str]]:
    """The description of a subcommand (the docstring above `Args:`), and parameter → its text.

    Below `Args:` each parameter has a line `name: text`, indented by four; further lines of the
    text are indented deeper. Other sections, as `Raises:`, are not shown.
    """
    description, *sections = re.split(r"\n(?=[A-Z]\w+:\n)", inspect.getdoc(function) or "")
    lines = [s.removeprefix("Args:\n") for s in sections if s.startswith("Args:\n")]
    entries = re.findall(r"^ {4}(\w+): ((?:.*\n?)(?: {5,}.*\n?)*)", "".join(lines), re.MULTILINE)
    return description.strip(), {name: " ".join(text.split()) for name, text in entries}


# --------------------------------------------------------------------------- parser


def _parser(chosen: list[str]) -> argparse.ArgumentParser:
    """The whole parser; flags only for the chosen subcommand, so that only it is imported."""
    parser = argparse.ArgumentParser(
        "fairtrial", usage="fairtrial [--version] COMMAND [--help] ..."
    )
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--version", action="version", version=fairtrial.__version__)
    subparsers = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", help=argparse.SUPPRESS, prog="fairtrial"
    )
    for name in (*COMMANDS, *STAGES):
        subparser = subparsers.add_parser(name, allow_abbrev=False)
        if name in chosen:
            _add_flags(subparser, _function(name))
            if name in STAGES:
                _add_record_flags(subparser)
    if not set(chosen) & {*COMMANDS, *STAGES}:
        parser.epilog = _overview()
    return parser


def _overview() -> str:
    """All subcommands with their summaries, the stages last."""
    sections = {"commands:": COMMANDS, "stages (Snakemake calls them):": STAGES}
    return "\n\n".join(
        "\n".join([title, *(f"  {name:<12} {_summary(name)}" for name in names)])
        for title, names in sections.items()
    )


def _add_flags(parser: argparse.ArgumentParser, function: Callable[..., None]) -> None:
    parser.description, texts = parsed_docstring(function)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    types = typing.get_type_hints(function)
    for name, parameter in inspect.signature(function).parameters.items():
        text = texts.get(name, "").replace("%", "%%")
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            options = {"nargs": "*", "metavar": name.upper(), "type": types[name]}
            parser.add_argument(name, help=text, **options)
            continue
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            parser.add_argument(name, help=text, metavar=name.upper(), type=types[name])
            continue
        flag = "--" + name.replace("_", "-")
        parser.add_argument(flag, dest=name, help=text, **_options(types[name], parameter))


def _add_record_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that all stages have: what the rule says of the job as a whole."""
    text = "file to write: settings, code, and SHA-256 of inputs and outputs; by default none"
    parser.add_argument("--made", type=Path, default=None, help=text)
    parser.add_argument("--job-code", default="", help="fingerprint of the job's code, for --made")


def _options(kind: Any, parameter: inspect.Parameter) -> dict[str, Any]:
    """The arguments of `add_argument` for a parameter of this type: default or required, type."""
    if kind is bool:
        return {"action": "store_true"}
    options: dict[str, Any] = {"required": True}
    if parameter.default is not inspect.Parameter.empty:
        options = {"default": parameter.default}
    if typing.get_origin(kind) is list:
        return options | {"nargs": "*", "type": typing.get_args(kind)[0]}
    if kind == Path | None:  # a rule quotes "no file" as nothing, or as ''
        return options | {"nargs": "?", "type": _path_or_none}
    return options | {"type": _converter(kind)}


def _converter(kind: Any) -> Callable[[str], Any]:
    """A function from a flag's text to a value: `float | None` is read as a float, a pydantic model
    from JSON."""
    if type(None) in typing.get_args(kind):
        (kind,) = set(typing.get_args(kind)) - {type(None)}
    if kind in (str, int, float, Path):
        plain: Callable[[str], Any] = kind
        return plain
    return lambda text: _validated(kind, text)


def _path_or_none(text: str) -> Path | None:
    return Path(text) if text else None


def _json(text: str) -> str:
    """The JSON of a flag: the text itself, or the content of the file in `@file`."""
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8")
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text[1:]}: {error.strerror}") from error


def _validated(kind: Any, text: str) -> Any:
    """A pydantic model, or one of a union of them, from JSON. Raises ArgumentTypeError, with every
    problem in one line."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(_json(text), strict=True)
    except ValidationError as error:
        problems = [(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        message = "; ".join(f"`{place}`: {m}" if place else m for place, m in problems)
        raise argparse.ArgumentTypeError(message) from None


if __name__ == "__main__":
    interrupt_on_signals()
    sys.exit(main())
