"""Where a result comes from: versions, hardware, SLURM job."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path

import fairtrial
from fairtrial.files import snapshot
from fairtrial.files.modelfile import FileModel

CODE = "fairtrial code"  # in `versions`: the first digits of the SHA-256 of its files
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


class Hardware(FileModel):
    """The hardware of a training.

    cpu: the processor's name; threads: those given to the job; memory_gb: the machine's, in GiB;
    gpu: the name of the GPUs that were used, after `2 × ` if there were two; None without one.
    """

    cpu: str
    cores: int | None
    threads: int
    memory_gb: float
    gpu: str | None


class SlurmJob(FileModel):
    """A SLURM job: its id, node and partition, and the GPUs that it may use."""

    job: str
    node: str | None = None
    partition: str | None = None
    gpus: str | None = None


def versions() -> dict[str, str]:
    """The versions of fairtrial, of Python, and of the packages that a metric may depend on.

    CODE names all of fairtrial's files, whose version stays the same between two releases.
    """
    code = snapshot.digest(Path(fairtrial.__file__).parent)[:16]
    installed = {"fairtrial": fairtrial.__version__, CODE: code}
    installed |= {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return installed


def hardware(threads: int, gpus: int = 1) -> Hardware:
    """The hardware of this machine, for a job of `threads` threads that used `gpus` GPUs.

    The GPU's name is asked of torch only where this process has loaded torch: otherwise it has
    used no GPU.
    """
    import psutil

    torch = sys.modules.get("torch")
    gpu = torch.cuda.get_device_name(0) if torch and torch.cuda.is_available() else None
    return Hardware(
        cpu=_processor(),
        cores=os.cpu_count(),
        threads=threads,
        memory_gb=round(psutil.virtual_memory().total / 2**30, 1),
        gpu=f"{gpus} × {gpu}" if gpu and gpus > 1 else gpu,
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def slurm_job() -> SlurmJob | None:
    """The SLURM job that this process is in; None outside of SLURM."""
    if "SLURM_JOB_ID" not in os.environ:
        return None
    return SlurmJob(
        job=os.environ["SLURM_JOB_ID"],
        node=os.environ.get("SLURMD_NODENAME"),
        partition=os.environ.get("SLURM_JOB_PARTITION"),
        gpus=os.environ.get("CUDA_VISIBLE_DEVICES"),
    )
