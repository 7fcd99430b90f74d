"""RetinaNet as a network that can be exported."""

from __future__ import annotations

from pathlib import Path

import torch

from fairtrial import BackendError
from fairtrial.backends import _retinanet_model as model
from fairtrial.settings.stages import PredictDetectSettings
from fairtrial.use.exporting import Exportable
from fairtrial.use.metadata import Channels, OutputLayout, Preparation

MULTIPLE = 32  # of which torchvision makes the sides of a batch multiples


class _Raw(torch.nn.Module):  # type: ignore[misc]  # torch has no types here
    """From normalised images to shifts and confidences of all anchors, (images, anchors, 4 + k)."""

    def __init__(self, net: model.Net) -> None:
        super().__init__()
        self.backbone, self.head = net.backbone, net.head

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        outputs = self.head(list(self.backbone(images).values()))
        confidences = outputs["cls_logits"].sigmoid()
        return torch.cat([outputs["bbox_regression"], confidences], dim=2)


def exportable(weights: Path, settings: PredictDetectSettings) -> Exportable:
    """The network in a weights.pt."""
    classes = model.names_in(model.read_weights(weights))
    if classes is None:
        raise BackendError(f"{weights}: names no classes")
    net, names = model.restore(weights, settings.imgsz, classes)
    mean = _channels(net.transform.image_mean)
    preparation = Preparation(
        placement="corner",
        size=settings.imgsz,
        multiple=MULTIPLE,
        resampling="pillow",
        mean=mean,
        deviation=_channels(net.transform.image_std),
        padding=mean,
    )
    output = OutputLayout(
        layout="retinanet",
        iou=settings.iou,
        max_det=settings.max_det,
        anchors=tuple(tuple(map(float, level)) for level in model.ANCHORS),
        ratios=model.RATIOS[0],
    )
    return Exportable(_Raw(net).eval(), tuple(names), preparation, output)


def _channels(shares: list[float]) -> Channels:
    red, green, blue = (255 * share for share in shares)
    return red, green, blue
