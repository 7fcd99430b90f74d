"""Classification networks as networks that can be exported."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from fairtrial.backends import _networks_model as model
from fairtrial.use.exporting import Exportable
from fairtrial.use.metadata import OutputLayout, Preparation


def exportable(weights: Path) -> Exportable:
    """The network in a weights.pt, which has its normalisation in it, with the probabilities as
    its output."""
    net, architecture, names = model.restore(weights)
    preparation = Preparation(
        placement="central_square",
        size=architecture.imgsz,
        multiple=None,
        resampling="pillow",
        deviation=(1.0, 1.0, 1.0),
        padding=(0.0, 0.0, 0.0),
    )
    whole = nn.Sequential(net, nn.Softmax(dim=1)).eval()
    return Exportable(whole, tuple(names), preparation, OutputLayout(layout="probabilities"))
