"""A copy of the checkout in which a test may change, run and break things."""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import preloaded

CHECKOUT = Path(__file__).parents[2]
FINGERPRINTS = ".snakemake/fairtrial/fingerprints.json"
KNOWN = Path(tempfile.gettempdir()) / f"fairtrial-known-code-{os.getuid()}"
STUBS = Path(__file__).parent / "stubs"
QUICK = Path(__file__).parent / "quick_backend.py"
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["snakemake.cli"])
STAGES = ("download", "convert", "split", "train", "batch", "predict", "validate", "probe", "plot")
STAGES += ("report",)
COPIED = ("Snakefile", "workflow", "config", "profiles", "slurm", "params.yaml", "dvc.yaml")
COPIED += (".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore", ".dvc/plots")

EXPERIMENT = """\
title: An experiment of four runs
runs:
  small: {imgsz: 96}
  large: {imgsz: 160, lr0: 0.01}
seeds: [0, 1]
"""

# With the quick backend the real stages run up to `train`; the rest are stand-ins.
QUICK_STUBS = ("predict", "validate", "plot", "report")
QUICK_EXPERIMENT = EXPERIMENT + "base: {backend: quick}\n"
QUICK_SOURCE = """\
kind: shapes
images: 20
size: 64
per_scene: 2
format: coco
options: {files: [{annotations: annotations.json, images: images}], group: group}
"""


class Project:
    """A project folder, and the commands that a person types in it."""

    def __init__(self, root: Path, stubs: tuple[str, ...] = STAGES) -> None:
        self.root = root
        self.log = root.parent / f"{root.name}.jobs"
        self.trained = root.parent / f"{root.name}.trainings"
        self.output = root.parent / f"{root.name}.output"
        self.places = root.parent / f"{root.name}.places"
        self.known: Path | None = None
        self.commands: Path | None = None
        self.env = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{command_folder(root)}:{os.environ['PATH']}",
            "PYTHONPATH": str(STUBS),
            "STUB_LOG": str(self.log),
            "STUB_PLACES": str(self.places),
            "STUB_STAGES": ",".join(stubs),
            "QUICK_LOG": str(self.trained),
            "DVC_NO_ANALYTICS": "1",
            "GIT_AUTHOR_NAME": "t",
            "GIT_AUTHOR_EMAIL": "t@example.org",
            "GIT_COMMITTER_NAME": "t",
            "GIT_COMMITTER_EMAIL": "t@example.org",
        }

    @classmethod
    def new(
        cls, root: Path, stubs: tuple[str, ...] | None = None, quick_backend: bool = False
    ) -> Project:
        """A copy of the checkout's own files, with the experiment `compare` chosen.

        With `quick_backend` its runs are trained by quick_backend.py, and the stages up to
        `train` are the real ones unless `stubs` says otherwise.
        """
        root.mkdir(parents=True)
        for name in COPIED:
            source, target = CHECKOUT / name, root / name
            if source.is_symlink():
                target.symlink_to(source.readlink())
            elif source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        project = cls(root, stubs or (QUICK_STUBS if quick_backend else STAGES))
        project.write(
            "config/experiments/compare.yaml", QUICK_EXPERIMENT if quick_backend else EXPERIMENT
        )
        if quick_backend:
            shutil.copy(QUICK, root / "workflow/fairtrial/backends/quick.py")
            project.write("config/sources/shapes.yaml", QUICK_SOURCE)
        project.edit("params.yaml", "experiment: quickstart", "experiment: compare")
        project.take_known_code()
        return project

    def take_known_code(self) -> None:
        """Begin with the fingerprints that an earlier project found of exactly the same code."""
        if str(CHECKOUT / "workflow") not in sys.path:  # a benchmark's process
            sys.path.append(str(CHECKOUT / "workflow"))
        from fairtrial.planning.known_code import package_sha256

        self.known = KNOWN / f"{package_sha256(self.root / 'workflow/fairtrial')}.json"
        if self.known.exists():
            (self.root / FINGERPRINTS).parent.mkdir(parents=True)
            shutil.copy(self.known, self.root / FINGERPRINTS)

    def leave_known_code(self) -> None:
        """Leave them to later ones, unless its code was edited meanwhile."""
        found = self.root / FINGERPRINTS
        if not self.known or not found.exists() or self.known.stem not in found.read_text():
            return
        if not self.known.exists() or self.known.stat().st_size < found.stat().st_size:
            KNOWN.mkdir(exist_ok=True)
            part = self.known.with_suffix(f".{os.getpid()}")
            shutil.copy(found, part)
            part.replace(self.known)

    def copy(self, root: Path) -> Project:
        """The same project elsewhere, with all of its results and their times."""
        subprocess.run(["cp", "-a", self.root, root], check=True)
        copied = Project(root)
        copied.env["STUB_STAGES"] = self.env["STUB_STAGES"]
        return copied.preload() if self.commands else copied

    def preload(self) -> Project:
        """The same, whose commands are forked: see preloaded.py."""
        self.commands = preloaded.commands()
        self.env["PATH"] = f"{self.commands}:{self.env['PATH']}"
        return self

    # ---------------------------------------------------------------- files

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that must be there."""
        path = self.root / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new))

    # ---------------------------------------------------------------- commands

    def run(self, *command: str, check: bool = True, **env: str) -> subprocess.CompletedProcess:
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.env | env,
            capture_output=True,
            text=True,
            timeout=1200,
        )
        self.leave_known_code()
        if check and done.returncode:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *command: str, **env: str) -> subprocess.Popen:
        """A command that goes on meanwhile, in a process group of its own like a shell's."""
        with self.output.open("ab") as file:
            return subprocess.Popen(
                command,
                cwd=self.root,
                env=self.env | env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def status(self, *arguments: str) -> dict[str, Any]:
        """What `fairtrial status` shows in another terminal."""
        done = self.run("fairtrial", "status", "--json", *arguments)
        content: dict[str, Any] = json.loads(done.stdout)
        return content

    def snakemake(self, *arguments: str, check: bool = True, **env: str) -> str:
        """Snakemake in a forked process, which need not import it anew (3 s)."""
        return self.forked(_snakemake, arguments, check, env)

    def fairtrial(self, *arguments: str, check: bool = True, **env: str) -> str:
        """What a subcommand prints; in a forked process likewise."""
        return self.forked(_fairtrial, arguments, check, env)

    def forked(
        self,
        main: Callable[[tuple[str, ...]], object],
        arguments: tuple[str, ...],
        check: bool,
        env: dict[str, str],
    ) -> str:
        """What a function prints in a process that imports the project's own package.

        It is forked from a server that has imported Snakemake and called nothing. A copy of the
        tests' own process could wait for ever for a thread that it lacks, such as typst's.
        """
        ours, theirs = FORKING.Pipe()
        child = FORKING.Process(target=_child, args=(self, main, arguments, env, theirs))
        child.start()
        theirs.close()
        code, text = ours.recv()
        child.join()
        self.leave_known_code()
        assert not check or code == 0, f"{main.__name__} {arguments}: {code}\n{text}"
        return text

    def plan(self, *arguments: str) -> Counter[str]:
        """What `snakemake -n` would run: "train small-s0" and the like, counted."""
        return planned(self.snakemake("-n", *arguments))

    def jobs(self) -> Counter[str]:
        """What has run since the last call of this."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return Counter(lines)

    def trainings(self, event: str = "begin") -> Counter[str]:
        """Every training of the quick backend since the project began: "96 s0" and so on.

        `event`: "begin", "epoch" (each one that was finished), or "end" (one that was killed has
        none).
        """
        text = self.trained.read_text() if self.trained.exists() else ""
        trainings = re.findall(rf"^{event} imgsz=(\d+) lr0=\S+ seed=(\d+)", text, re.MULTILINE)
        return Counter(f"{imgsz} s{seed}" for imgsz, seed in trainings)


def command_folder(root: Path) -> Path:
    """A folder beside the project with the command `fairtrial` of this checkout.

    On PATH behind that of the environment, for one that `make venv` has not made.
    """
    folder = root.parent / f"{root.name}.command"
    folder.mkdir(parents=True, exist_ok=True)
    launcher = (CHECKOUT / "workflow/fairtrial_command.py").read_text()
    (folder / "fairtrial").write_text(f"#!{sys.executable}\n{launcher}")
    (folder / "fairtrial").chmod(0o755)
    return folder


def planned(text: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for block in re.split(r"\n(?=\[|(?:local)?(?:rule|checkpoint) )", text):
        match = re.search(r"^(?:local)?(?:rule|checkpoint) (\w+):$", block, re.MULTILINE)
        if match and match[1] != "all":
            name = re.search(r"wildcards: .*?(?:run|dataset|source)=([^\s,]+)", block)
            counts[f"{match[1]} {name[1] if name else ''}".strip()] += 1
    return counts


def _child(
    project: Project,
    main: Callable[[tuple[str, ...]], object],
    arguments: tuple[str, ...],
    env: dict[str, str],
    pipe,
) -> None:
    """Call `main` as the project's own package is imported; send its exit status and its output."""
    os.chdir(project.root)
    os.environ.clear()
    os.environ.update(project.env | env)
    for name in [n for n in sys.modules if n == "fairtrial" or n.startswith("fairtrial.")]:
        del sys.modules[name]
    sys.path[:] = [p for p in sys.path if not p.endswith("/workflow")]
    sys.path.insert(0, str(project.root / "workflow"))
    if project.commands:
        sys.executable = str(project.commands / "python")  # whose folder is first on PATH of jobs
    output = io.StringIO()
    code = 1
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            main(arguments)
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    pipe.send((code, output.getvalue()))
    pipe.close()
    os._exit(0)


def _snakemake(arguments: tuple[str, ...]) -> None:
    import snakemake.cli

    snakemake.cli.main(["--nocolor", *arguments])


def _fairtrial(arguments: tuple[str, ...]) -> None:
    from fairtrial.__main__ import main

    sys.exit(main(list(arguments)))
