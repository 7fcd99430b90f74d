"""The SHA-256 of the tensors in weights.pt: equal for trainings with equal results."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def digest(weights: Path) -> str | None:
    """SHA-256 over every tensor in weights.pt, by name: equal for equal weights, whatever else
    (dates, settings) the file holds. None for a file that is not torch's.
    """
    if not zipfile.is_zipfile(weights):
        return None
    import torch

    from fairtrial.training.unpickling import trusting_copy, unpickled

    sha256 = hashlib.sha256()
    with trusting_copy(weights):
        content = unpickled(weights)
    for name, tensor in sorted(_tensors("", content), key=lambda pair: pair[0]):
        sha256.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        sha256.update(tensor.contiguous().view(torch.uint8).numpy() if tensor.dim() else b"")
        sha256.update(b"" if tensor.dim() else repr(tensor.item()).encode())
    return sha256.hexdigest()


def _tensors(name: str, content: object) -> Iterator[tuple[str, torch.Tensor]]:
    """All tensors of a checkpoint, in modules, mappings and lists."""
    import torch

    if isinstance(content, torch.Tensor):
        yield name, content.detach()
    elif isinstance(content, torch.nn.Module):
        yield from _tensors(name, content.state_dict())
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from _tensors(f"{name}.{key}", value)
    elif isinstance(content, list | tuple):
        for number, value in enumerate(content):
            yield from _tensors(f"{name}.{number}", value)
