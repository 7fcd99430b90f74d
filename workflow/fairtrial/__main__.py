"""The command line: one subcommand a stage, its options from the stage function's signature."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import signal
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fairtrial

STAGES = (
    "download",
    "convert",
    "split",
    "search",
    "study",
    "train",
    "predict",
    "validate",
    "plot",
    "report",
)
COMMANDS = {
    "detect": "draw what a finished run finds on a video or on images",
    "doctor": "say what the trial lacks, before any job is queued",
    "compare": "one report over several experiments of DVC or git revisions, without a checkout",
    "status": "show how far each run is, also while Snakemake works; --watch goes on showing it",
    "export-data": "write a data set in a format that other tools read: coco, voc, yolo",
    "tensorboard": "write the figures by epoch as TensorBoard's event files",
    "gc": "remove store entries that no recorded run needs; asks first",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand; 0, or 1 with one plain message on stderr."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = vars(_parser(arguments[:1]).parse_args(arguments))
    name = options.pop("command")
    try:
        function = _function(name)
        function(*options.pop(_several(function), ()), **options)
    except fairtrial.FairtrialError as error:
        print(f"fairtrial {name}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.strerror is None:  # not of the operating system: a library's own
            raise
        place = f"{error.filename}: " if error.filename else ""
        print(f"fairtrial {name}: {place}{error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        print(f"fairtrial {name}: interrupted {error}".rstrip(), file=sys.stderr)
        return 130
    return 0


def stop_when_asked() -> None:
    """Take SIGTERM and SIGUSR1 (scancel, a time limit, preemption) as Ctrl-C is taken.

    So temporary files go, and the lock; epochs that are done are kept in the store anyway.
    """
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, _stop)


def _stop(number: int, _: Any) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def _function(name: str) -> Callable[..., None]:
    folder = "stages" if name in STAGES else "commands"
    found: Callable[..., None] = getattr(
        importlib.import_module(f"fairtrial.{folder}.{name.replace('-', '_')}"),
        name.replace("-", "_"),
    )
    return found


def _several(function: Callable[..., None]) -> str:
    """The name of `*names` in a signature, which are arguments without a flag; else nothing."""
    kind = inspect.Parameter.VAR_POSITIONAL
    found = (p.name for p in inspect.signature(function).parameters.values() if p.kind is kind)
    return next(found, "")


def _parser(wanted: list[str]) -> argparse.ArgumentParser:
    """The whole parser; options only for the wanted subcommand, so that only it is imported."""
    parser = argparse.ArgumentParser("python -m fairtrial", description=fairtrial.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = "Fair, reproducible trials of image models."
    parser.add_argument("--version", action="version", version=fairtrial.__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in (*STAGES, *COMMANDS):
        text = COMMANDS.get(name, "a stage of the workflow; Snakemake calls it")
        command = commands.add_parser(name, help=text, allow_abbrev=False)
        if name in wanted:
            _add_options(command, _function(name))
    return parser


def _add_options(parser: argparse.ArgumentParser, function: Callable[..., None]) -> None:
    parser.description = inspect.getdoc(function)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    types = typing.get_type_hints(function)
    for name, parameter in inspect.signature(function).parameters.items():
        flag = "--" + name.replace("_", "-")
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            parser.add_argument(name, nargs="+", metavar=name.upper(), type=types[name])
            continue
        required = parameter.default is inspect.Parameter.empty
        common: dict[str, Any] = {"dest": name, "required": required}
        if not required:
            common["default"] = parameter.default
        if types[name] is bool:
            parser.add_argument(flag, action="store_true", **(common | {"required": False}))
        elif typing.get_origin(types[name]) is list:
            parser.add_argument(flag, nargs="*", type=typing.get_args(types[name])[0], **common)
        elif types[name] == Path | None:  # a rule quotes "no file" as nothing, or as ''
            parser.add_argument(flag, nargs="?", type=_path_or_none, **common)
        else:
            parser.add_argument(flag, type=_converter(types[name]), **common)


def _converter(kind: Any) -> Callable[[str], Any]:
    """From a flag's text to its type; `float | None` is a float."""
    if type(None) in typing.get_args(kind):
        (kind,) = set(typing.get_args(kind)) - {type(None)}
    return _mapping if typing.get_origin(kind) is dict else kind


def _path_or_none(text: str) -> Path | None:
    return Path(text) if text else None


def _mapping(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError("not a JSON object")
    return found


if __name__ == "__main__":
    stop_when_asked()
    sys.exit(main())
