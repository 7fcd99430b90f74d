"""Ultralytics' detectors as networks that can be exported."""

from __future__ import annotations

from pathlib import Path

import torch

from fairtrial.backends._ultralytics_files import load, workplace
from fairtrial.settings.stages import PredictDetectSettings
from fairtrial.use.exporting import Exportable
from fairtrial.use.metadata import Layout, OutputLayout, Preparation


class _FirstOutput(torch.nn.Module):  # type: ignore[misc]  # torch has no types here
    """The network alone: of several outputs the first."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        outputs = self.net(images)
        first: torch.Tensor = outputs[0] if isinstance(outputs, list | tuple) else outputs
        return first


def exportable(weights: Path, settings: PredictDetectSettings) -> Exportable:
    """The network in a checkpoint, its batch norms merged into the convolutions."""
    with workplace():
        net = load(weights).model.float().eval().fuse(verbose=False)
        head = net.model[-1]
        transformer = type(head).__name__ == "RTDETRDecoder"
        head.export, head.dynamic, head.format = True, not transformer, "onnx"
        head.max_det = settings.max_det
        stride = max(32, int(net.stride.max()))
        size = -(-settings.imgsz // stride) * stride
        names = tuple(name for _, name in sorted(net.names.items()))
    preparation = Preparation(
        placement="stretch" if transformer else "centre",
        size=size,
        multiple=None if transformer else stride,
        resampling="opencv",
    )
    layout: Layout = "yolo"
    if transformer or head.end2end:
        layout = "queries" if transformer else "end_to_end"
    output = OutputLayout(layout=layout, iou=settings.iou, max_det=settings.max_det)
    return Exportable(_FirstOutput(net), names, preparation, output)
