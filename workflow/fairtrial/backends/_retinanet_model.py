"""RetinaNet: a ResNet of torchvision with a feature pyramid, and heads with our settings."""

from __future__ import annotations

import io
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from torchvision.models import detection
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.retinanet import (
    RetinaNet,
    RetinaNetClassificationHead,
    RetinaNetHead,
)
from torchvision.ops import FrozenBatchNorm2d, sigmoid_focal_loss
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from fairtrial import BackendError
from fairtrial.files.folders import whole_file
from fairtrial.training.contract import ModelSize

CHANNELS = 256
# Three sizes and three ratios at each place of the levels P3 to P7, as in the paper.
ANCHORS = ((32, 40, 50), (64, 80, 101), (128, 161, 203), (256, 322, 406), (512, 645, 812))
RATIOS = ((0.5, 1.0, 2.0),) * len(ANCHORS)
IGNORED = -2  # torchvision's number of an anchor that is neither object nor background
LAST_LAYER = "head.classification_head.cls_logits."
BODY = "backbone.body."


class FocalHead(RetinaNetClassificationHead):  # type: ignore[misc]  # torch has no types here
    """torchvision's head, but for α and γ of the loss, which are fixed there."""

    def __init__(self, classes: int, anchors: int, prior: float, alpha: float, gamma: float):
        super().__init__(CHANNELS, anchors, classes, prior)
        self.alpha, self.gamma = alpha, gamma

    def compute_loss(
        self, targets: list[dict[str, Any]], head_outputs: dict[str, Any], matched_idxs: list[Any]
    ) -> Any:
        """Focal loss (Lin et al. 2017): an image's sum over its matched anchors; mean of images."""
        losses = []
        rows = zip(targets, head_outputs["cls_logits"].float(), matched_idxs, strict=True)
        for target, logits, matched in rows:
            objects = matched >= 0
            truth = torch.zeros_like(logits)
            truth[objects, target["labels"][matched[objects]]] = 1.0
            counted = matched != IGNORED
            loss = sigmoid_focal_loss(
                logits[counted], truth[counted], self.alpha, self.gamma, reduction="sum"
            )
            losses.append(loss / objects.sum().clamp(min=1))
        return torch.stack(losses).mean()


class Net(RetinaNet):  # type: ignore[misc]  # torch has no types here
    """RetinaNet that can also be judged: losses and detections in one pass."""

    inferred = 0.0  # when the network was through with the last image, before boxes were picked

    def judge(self, images: list[Any], targets: list[dict[str, Any]]) -> tuple[Any, Any]:
        """Losses by part and detections of images that have the network's size; in eval mode."""
        kept: dict[str, Any] = {}
        hooks = [
            self.head.register_forward_hook(lambda *a: kept.update(outputs=a[2])),
            self.anchor_generator.register_forward_hook(lambda *a: kept.update(anchors=a[2])),
        ]
        found = self(images)
        for hook in hooks:
            hook.remove()
        return self.compute_loss(targets, kept["outputs"], kept["anchors"]), found

    def postprocess_detections(self, *arguments: Any) -> Any:
        """torchvision's own; notes when it began."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.inferred = time.perf_counter()
        return super().postprocess_detections(*arguments)


def build(settings: dict[str, Any], classes: int, frozen_norm: bool) -> Any:
    """An untrained network. `frozen_norm`: batch norms keep the statistics of a checkpoint.

    Weights are drawn from torch's own random state.
    """
    backbone = resnet_fpn_backbone(
        backbone_name=f"resnet{settings['depth']}",
        weights=None,
        norm_layer=FrozenBatchNorm2d if frozen_norm else torch.nn.BatchNorm2d,
        trainable_layers=5 - (settings["freeze"] or 0),
        returned_layers=[2, 3, 4],
        extra_blocks=LastLevelP6P7(CHANNELS, CHANNELS),
    )
    anchors = AnchorGenerator(ANCHORS, RATIOS)
    each = anchors.num_anchors_per_location()[0]
    head = RetinaNetHead(CHANNELS, each, classes)
    head.classification_head = FocalHead(
        classes, each, settings["prior"], settings["alpha"], settings["gamma"]
    )
    size = settings["imgsz"]
    return Net(backbone, classes, min_size=size, max_size=size, anchor_generator=anchors, head=head)


def limit(net: Any, conf: float, iou: float, max_det: int) -> None:
    """Say which detections a network gives: confidence, overlap, number an image."""
    net.score_thresh, net.nms_thresh, net.detections_per_img = conf, iou, max_det


# --------------------------------------------------------------------------- files


def read_weights(path: Path) -> dict[str, Any]:
    """A file of tensors. Nothing in it is run. Raises BackendError where it is none."""
    if not path.is_file():
        raise BackendError(f"{path}: no such checkpoint")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise BackendError(
            f"{path}: not a file of tensors alone ({reason}). RetinaNet starts from the "
            "state_dict of a torchvision ResNet or RetinaNet, or from a run's weights.pt."
        ) from error
    if not isinstance(found, dict):
        raise BackendError(f"{path}: holds a {type(found).__name__}, not tensors by name")
    return found


def names_in(content: dict[str, Any]) -> list[str] | None:
    """The classes of a detection checkpoint, in the order of its outputs, if it is one.

    Ours names them; a torchvision checkpoint with 91 classes is one of COCO.
    """
    if "names" in content:
        return list(content["names"])
    coco: list[str] = detection.RetinaNet_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
    last = content.get(LAST_LAYER + "bias")
    known = last is not None and len(last) == len(coco) * len(ANCHORS[0]) * len(RATIOS[0])
    return coco if known else None


def start_from(net: Any, path: Path, names: list[str]) -> None:
    """Take over a backbone, or a detector but for its last layer if its classes are others.

    Raises BackendError where a tensor of the backbone (or of the detector) is missing, or has
    another shape: the file is of another depth or of another network.
    """
    content = read_weights(path)
    theirs = content.get("model", content)
    if "conv1.weight" in theirs:
        theirs = {BODY + name: value for name, value in theirs.items()}
        wanted = {name for name in net.state_dict() if name.startswith(BODY)}
    else:
        wanted = set(net.state_dict())
        if names_in(content) != names:
            wanted = {name for name in wanted if not name.startswith(LAST_LAYER)}
    ours = net.state_dict()
    theirs = _renamed(theirs)
    fitting = {n: theirs[n] for n in wanted if n in theirs and theirs[n].shape == ours[n].shape}
    if lacking := sorted(wanted - set(fitting)):
        raise BackendError(
            f"{path}: not a checkpoint of this network: {len(fitting)} of its {len(wanted)} "
            f"tensors fit; `{lacking[0]}` does not. Is `depth` the checkpoint's?"
        )
    net.load_state_dict(fitting, strict=False)


def _renamed(state: dict[str, Any]) -> dict[str, Any]:
    """Older torchvision has `conv.2.weight` in the heads where newer has `conv.1.0.weight`."""
    found = {}
    for name, value in state.items():
        parts = name.split(".")
        if parts[0] == "head" and parts[-3:-2] == ["conv"] and parts[-2].isdigit():
            parts[-2] = f"{int(parts[-2]) // 2}.0"
        found[".".join(parts)] = value
    return found


def save(content: dict[str, Any], path: Path) -> None:
    """Write tensors and plain values; the file appears under its name when it is on the disk."""
    buffer = io.BytesIO()  # on a full disk torch's own writer fails with a riddle
    torch.save(content, buffer)
    with whole_file(path, "wb") as file:
        file.write(buffer.getbuffer())


def restore(path: Path, settings: dict[str, Any], wanted: Collection[str]) -> tuple[Any, list[str]]:
    """The network of a weights.pt of ours, ready to detect the `wanted` ones of its classes.

    Returns the names of its outputs, too. The classes that are not wanted are cut off, so that
    their boxes use up no place among those that an image may have.
    """
    content = read_weights(path)
    if not {"depth", "names", "model"} <= set(content):
        raise BackendError(f"{path}: not the weights.pt of a RetinaNet")
    kept = [i for i, name in enumerate(content["names"]) if name in wanted]
    if not kept:
        raise BackendError(f"{path}: none of its classes is in {', '.join(wanted)}")
    state = dict(content["model"])
    for name in (LAST_LAYER + "weight", LAST_LAYER + "bias"):
        by_class = state[name].unflatten(0, (-1, len(content["names"])))  # anchors × classes × …
        state[name] = by_class[:, kept].flatten(0, 1)
    training = {"freeze": None, "prior": 0.01, "alpha": 0.25, "gamma": 2.0}  # no part in detecting
    net = build(settings | training | {"depth": content["depth"]}, len(kept), frozen_norm=True)
    net.load_state_dict(state)
    return net.eval(), [content["names"][i] for i in kept]


def size(net: Any, imgsz: int) -> ModelSize:
    """Parameters, GFLOPs (two a multiplication with addition) of a square image, modules."""
    from torch.utils.flop_counter import FlopCounterMode

    device = next(net.parameters()).device
    was_training = net.training
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        features = net.eval().backbone(torch.zeros(1, 3, imgsz, imgsz, device=device))
        net.head(list(features.values()))
    net.train(was_training)
    return ModelSize(
        parameters=sum(parameter.numel() for parameter in net.parameters()),
        gflops=round(counter.get_total_flops() / 1e9, 3),
        layers=sum(1 for _ in net.modules()),
    )
