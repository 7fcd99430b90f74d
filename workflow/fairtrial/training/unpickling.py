"""Open a file of torch without running code that somebody put into it.

Such a file is a pickle, which may ask for any function to be called while it is opened. Here it
gets tensors, plain values, and instances of the listed classes, of which no constructor is called:
a pickle says which class an object has, and what its attributes are. Everything else is refused by
name, unless the user trusts the file, by its SHA-256.

No computation depends on this module: it is no part of the code of a training or prediction.
"""

from __future__ import annotations

import enum
import hashlib
import importlib
import io
import pickle
import types
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from fairtrial import BackendError

# Classes of which an instance may be made. Of a package: networks (torch.nn.Module) of its modules.
NETWORKS = (
    "torch.nn.modules",
    "ultralytics.models.utils",  # the loss of RT-DETR, which its checkpoints hold
    "ultralytics.nn.modules",
    "ultralytics.nn.tasks",
    "ultralytics.utils.loss",
)
CLASSES = frozenset(
    {
        "ultralytics.utils.IterableSimpleNamespace",
        "ultralytics.utils.loss.BboxLoss",
        "ultralytics.utils.loss.DFLoss",
        "ultralytics.utils.loss.E2EDetectLoss",
        "ultralytics.utils.loss.E2ELoss",
        "ultralytics.utils.loss.v8ClassificationLoss",
        "ultralytics.utils.loss.v8DetectionLoss",
        "ultralytics.utils.tal.TaskAlignedAssigner",
        "torchvision.transforms.transforms.CenterCrop",
        "torchvision.transforms.transforms.Compose",
        "torchvision.transforms.transforms.Normalize",
        "torchvision.transforms.transforms.Resize",
        "torchvision.transforms.transforms.ToTensor",
    }
)
# What a pickle may call: whatever it is given, it makes tensors, containers or values.
CALLABLE = frozenset(
    {
        "builtins.frozenset",
        "builtins.set",
        "collections.OrderedDict",
        "numpy._core.multiarray.scalar",
        "numpy.dtype",
        "pathlib.PurePosixPath",
        "torch.Size",
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch.device",
        "torchvision.transforms.functional.InterpolationMode",
    }
)
# Where versions of the packages have a class, or others call it, and what is taken for it.
RENAMED = {
    "__builtin__.set": "builtins.set",
    "numpy.core.multiarray.scalar": "numpy._core.multiarray.scalar",
    "pathlib.PosixPath": "pathlib.PurePosixPath",
    "pathlib.WindowsPath": "pathlib.PurePosixPath",
    "pathlib._local.PosixPath": "pathlib.PurePosixPath",
    "pathlib._local.WindowsPath": "pathlib.PurePosixPath",
    "ultralytics.nn.modules.block.Silence": "torch.nn.modules.linear.Identity",
    "ultralytics.nn.tasks.YOLOv10DetectionModel": "ultralytics.nn.tasks.DetectionModel",
    "ultralytics.utils.loss.v10DetectLoss": "ultralytics.utils.loss.E2EDetectLoss",
    "ultralytics.yolo.utils.IterableSimpleNamespace": "ultralytics.utils.IterableSimpleNamespace",
}

_trusted: ContextVar[str | None] = ContextVar("trusted", default=None)


@contextmanager
def trusting(sha256: str | None) -> Iterator[None]:
    """Within it, a file with this SHA-256 is opened whatever it holds; None: no file is."""
    token = _trusted.set(sha256)
    try:
        yield
    finally:
        _trusted.reset(token)


@contextmanager
def trusting_copy(path: Path) -> Iterator[None]:
    """Within it, if the checkpoint that a training starts from is trusted, so are the weights that
    it wrote: untrained ones hold the same objects."""
    with trusting(hashlib.sha256(path.read_bytes()).hexdigest() if _trusted.get() else None):
        yield


def unpickled(path: Path) -> Any:
    """What a file of torch holds, its tensors on the CPU.

    Raises UnlistedError for a file that asks for anything that is not listed here, and
    BackendError for one that is no file of torch's.
    """
    import torch

    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == _trusted.get():
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=False)
        _refuse_programs(content)
        reader = types.SimpleNamespace(__name__=__name__, Unpickler=_Unpickler)
        return torch.load(
            io.BytesIO(content), map_location="cpu", weights_only=False, pickle_module=reader
        )
    except UnlistedError as error:
        raise UnlistedError(
            f"{path}: holds {error}, which is not among what a checkpoint may hold, so it was not "
            "opened: opening it could run a program. Where you trust who made it, say so in "
            "config/sources/, in the file of its source: `checkpoints: {<file>: {sha256: "
            f"{hashlib.sha256(content).hexdigest()}, trust: true}}}}`, or to a command by --trust "
            "and that SHA-256"
        ) from error
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise BackendError(f"{path}: not a file of torch ({reason})") from error


def _refuse_programs(content: bytes) -> None:
    """Raise where it is not a zip of tensors and one pickle, as torch has written since 1.6, but
    an older layout, or a program in TorchScript."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(name.endswith("constants.pkl") for name in archive.namelist()):
            raise UnlistedError("a program in TorchScript")


class UnlistedError(BackendError):
    """A checkpoint was not opened, since it holds something that is not listed here."""


class _Unpickler(pickle.Unpickler):
    """An unpickler that finds what is listed, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        full = RENAMED.get(f"{module}.{name}", f"{module}.{name}")
        if full in CALLABLE:
            return _resolved(full)
        if full == "_codecs.encode":
            return _bytes
        if full == "builtins.getattr":
            return _member
        return _listed(full)


@cache
def _listed(full: str) -> Any:
    """A stand-in for a listed class, or a data type of torch. Raises UnlistedError."""
    import torch

    module = full.rpartition(".")[0]
    packages = (package for package in NETWORKS if f"{module}.".startswith(f"{package}."))
    if full in CLASSES or next(packages, None):
        found = _resolved(full)
        if isinstance(found, type) and (full in CLASSES or issubclass(found, torch.nn.Module)):
            return _maker(found)
    if module == "torch" and isinstance(found := getattr(torch, full[6:], None), torch.dtype):
        return found
    raise UnlistedError(full)


def _resolved(full: str) -> Any:
    """What a dotted name stands for; None where there is no such thing."""
    module, _, name = full.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError:
        return None


class _NeverCalled(type):
    """The type of the stand-ins: a pickle may make empty instances of them, also by a call without
    arguments (as of a SimpleNamespace), and not call them otherwise."""

    def __call__(cls, *args: object, **kwargs: object) -> Any:
        if args or kwargs:
            raise UnlistedError(f"a call of {cls.__name__}")
        empty: Any = cls.__new__
        return empty(cls)


def _maker(kind: Any) -> type:
    """A stand-in for a class, of which a pickle gets empty instances of that class."""

    def new(cls: type, *args: object) -> Any:
        if args:
            raise UnlistedError(f"a call of {kind.__name__}")
        return kind.__new__(kind)

    return _NeverCalled(kind.__name__, (), {"__new__": new})


def _bytes(text: str, encoding: str) -> bytes:
    """Bytes, as pickles of protocol 2 write them."""
    if encoding != "latin1":
        raise UnlistedError(f"a call of the codec {encoding}")
    return text.encode("latin1")


def _member(kind: object, name: str) -> Any:
    """A member of an enumeration, as Python 3.11 pickles it."""
    if isinstance(kind, enum.EnumType) and name in kind.__members__:
        return kind[name]
    raise UnlistedError(f"an attribute, {name}")
