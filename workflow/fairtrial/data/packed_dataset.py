"""A set whose images come as arrays rather than as files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fairtrial.data.dataset import Dataset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(slots=True)
class PackedDataset(Dataset):
    """A set with the pixels of all its images, by shard: uint8 of (images, height, width, 3).

    Only between a format and convert, which writes the shards. `file_name` of an image is
    its name in its shard (packed.py).
    """

    shards: dict[str, NDArray[np.uint8]] = field(default_factory=dict)
