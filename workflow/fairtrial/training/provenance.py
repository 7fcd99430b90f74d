"""Where a result comes from: checksums, versions, hardware, commit, job."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "dvc",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "pycocotools",
    "snakemake",
    "torch",
    "torchvision",
    "ultralytics-opencv-headless",
)


def versions() -> dict[str, str]:
    """Python's and the version of each package that a figure may depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def hardware(threads: int, gpus: int = 1) -> dict[str, Any]:
    """Processor, cores, memory (GiB) and GPU of this machine; `threads` as given to the job,
    `gpus` as used by it, if there are any.

    Asked for a GPU is only a torch that the job has loaded: without it none was used.
    """
    import psutil

    torch = sys.modules.get("torch")
    gpu = torch.cuda.get_device_name(0) if torch and torch.cuda.is_available() else None
    return {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "gpu": f"{gpus} × {gpu}" if gpu and gpus > 1 else gpu,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def commit() -> tuple[str | None, bool]:
    """The git commit of the project and whether tracked files differ from it."""
    head = _git("rev-parse", "HEAD")
    return head, bool(head and _git("status", "--porcelain", "--untracked-files=no"))


def _git(*arguments: str) -> str | None:
    try:
        asked = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return asked.stdout.strip() or None if asked.returncode == 0 else None


def slurm() -> dict[str, str] | None:
    """The SLURM job that this process is in: number, node, partition, GPUs; None outside."""
    if "SLURM_JOB_ID" not in os.environ:
        return None
    names = {
        "job": "SLURM_JOB_ID",
        "node": "SLURMD_NODENAME",
        "partition": "SLURM_JOB_PARTITION",
        "gpus": "CUDA_VISIBLE_DEVICES",
    }
    return {name: os.environ[key] for name, key in names.items() if key in os.environ}
