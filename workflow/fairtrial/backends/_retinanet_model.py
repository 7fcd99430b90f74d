"""RetinaNet: a ResNet of torchvision with a feature pyramid, and heads by the run's settings."""

from __future__ import annotations

import io
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

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
from fairtrial.backends._retinanet_settings import Settings
from fairtrial.files.folders import whole_file
from fairtrial.training.contract import ModelSize

CHANNELS = 256
# Square roots of areas (pixels) of the anchors on P3 to P7, and their ratios of height to width:
# nine anchors at each place, as in the paper.
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
        self,
        targets: list[dict[str, torch.Tensor]],
        head_outputs: dict[str, torch.Tensor],
        matched_idxs: list[torch.Tensor],
    ) -> torch.Tensor:
        """Focal loss (Lin et al. 2017): an image's sum over its matched anchors; mean of images.

        head_outputs: `cls_logits` (images, anchors, classes); matched_idxs: for each image the
        object of each anchor (anchors,), below 0 for none.
        """
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


class Output(TypedDict):
    """Detections on one image: `boxes` (n, 4) as x1, y1, x2, y2 in its pixels, `labels` (n,) from
    0, `scores` (n,): confidence."""

    boxes: torch.Tensor
    labels: torch.Tensor
    scores: torch.Tensor


class Net(RetinaNet):  # type: ignore[misc]  # torch has no types here
    """RetinaNet that can return losses and detections of one forward pass, and times it.

    inferred: when the forward pass of the last image ended and its post-processing began
    (seconds of `time.perf_counter`).
    """

    inferred = 0.0

    def loss_and_detections(
        self, images: list[torch.Tensor], targets: list[dict[str, torch.Tensor]]
    ) -> tuple[dict[str, torch.Tensor], list[Output]]:
        """Losses by part, and detections, of images (3, height, width) from 0 to 1 that have the
        network's size; in eval mode. targets: `boxes` and `labels` as in Target."""
        seen: dict[str, Any] = {}
        hooks = [
            self.head.register_forward_hook(lambda *call: seen.update(outputs=call[2])),
            self.anchor_generator.register_forward_hook(lambda *call: seen.update(anchors=call[2])),
        ]
        outputs = self(images)
        for hook in hooks:
            hook.remove()
        return self.compute_loss(targets, seen["outputs"], seen["anchors"]), outputs

    def postprocess_detections(self, *arguments: object) -> list[Output]:
        """torchvision's post-processing; sets `inferred` first."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.inferred = time.perf_counter()
        detections: list[Output] = super().postprocess_detections(*arguments)
        return detections


@dataclass(frozen=True)
class ModelSpec:
    """What a network is built from, beside the number of its classes.

    frozen_norm: batch norms keep the statistics of a checkpoint; freeze: how many stages of the
    ResNet are not trained. prior, alpha and gamma are those of the focal loss.
    """

    depth: int
    imgsz: int
    frozen_norm: bool
    freeze: int | None = None
    prior: float = 0.01
    alpha: float = 0.25
    gamma: float = 2.0

    @classmethod
    def of(cls, settings: Settings, frozen_norm: bool) -> ModelSpec:
        """The specification for a training with these settings."""
        return cls(
            depth=settings.depth,
            imgsz=settings.imgsz,
            frozen_norm=frozen_norm,
            freeze=settings.freeze,
            prior=settings.prior,
            alpha=settings.alpha,
            gamma=settings.gamma,
        )


def build(spec: ModelSpec, classes: int) -> Net:
    """An untrained network, its weights drawn from torch's global random state."""
    backbone = resnet_fpn_backbone(
        backbone_name=f"resnet{spec.depth}",
        weights=None,
        norm_layer=FrozenBatchNorm2d if spec.frozen_norm else torch.nn.BatchNorm2d,
        trainable_layers=5 - (spec.freeze or 0),
        returned_layers=[2, 3, 4],
        extra_blocks=LastLevelP6P7(CHANNELS, CHANNELS),
    )
    generator = AnchorGenerator(ANCHORS, RATIOS)
    anchors = generator.num_anchors_per_location()[0]
    head = RetinaNetHead(CHANNELS, anchors, classes)
    head.classification_head = FocalHead(classes, anchors, spec.prior, spec.alpha, spec.gamma)
    size = spec.imgsz
    return Net(
        backbone, classes, min_size=size, max_size=size, anchor_generator=generator, head=head
    )


def set_limits(net: Net, conf: float, iou: float, max_det: int) -> None:
    """Set which detections a network gives: least confidence, overlap above which NMS merges two
    boxes, and the most detections an image."""
    net.score_thresh, net.nms_thresh, net.detections_per_img = conf, iou, max_det


# --------------------------------------------------------------------------- files


def read_weights(path: Path) -> dict[str, Any]:
    """A file of tensors by name, on the CPU; no code in it is run.

    Raises BackendError for other files.
    """
    if not path.is_file():
        raise BackendError(f"{path}: no such checkpoint")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise BackendError(
            f"{path}: not a file of tensors alone ({reason}). RetinaNet starts from the "
            "state_dict of a torchvision ResNet or RetinaNet, or from a run's weights.pt."
        ) from error
    if not isinstance(content, dict):
        raise BackendError(f"{path}: holds a {type(content).__name__}, not tensors by name")
    return content


def names_in(content: dict[str, Any]) -> list[str] | None:
    """The classes of a detection checkpoint, in the order of its outputs; None for other files.

    A weights.pt names them; a torchvision checkpoint with 91 classes has those of COCO.
    """
    if "names" in content:
        return list(content["names"])
    coco: list[str] = detection.RetinaNet_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
    bias = content.get(LAST_LAYER + "bias")
    is_coco = bias is not None and len(bias) == len(coco) * len(ANCHORS[0]) * len(RATIOS[0])
    return coco if is_coco else None


def start_from(net: Net, path: Path, names: list[str]) -> None:
    """Load a backbone, or a detector but for its last layer if its classes differ, into `net`.

    Raises BackendError where a tensor of the backbone (or of the detector) is missing, or has
    another shape: the file is of another depth or of another network.
    """
    content = read_weights(path)
    theirs = content.get("model", content)
    if "conv1.weight" in theirs:
        theirs = {BODY + name: value for name, value in theirs.items()}
        required = {name for name in net.state_dict() if name.startswith(BODY)}
    else:
        required = set(net.state_dict())
        if names_in(content) != names:
            required = {name for name in required if not name.startswith(LAST_LAYER)}
    ours = net.state_dict()
    theirs = _with_new_names(theirs)
    fitting = {n: theirs[n] for n in required if n in theirs and theirs[n].shape == ours[n].shape}
    if missing := sorted(required - set(fitting)):
        raise BackendError(
            f"{path}: not a checkpoint of this network: {len(fitting)} of its {len(required)} "
            f"tensors fit; `{missing[0]}` does not. Is `depth` the checkpoint's?"
        )
    net.load_state_dict(fitting, strict=False)


def _with_new_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A state_dict with the names of newer torchvision: in the heads `conv.1.0.weight` instead of
    the older `conv.2.weight`."""
    renamed = {}
    for name, value in state.items():
        parts = name.split(".")
        if parts[0] == "head" and parts[-3:-2] == ["conv"] and parts[-2].isdigit():
            parts[-2] = f"{int(parts[-2]) // 2}.0"
        renamed[".".join(parts)] = value
    return renamed


def save(content: dict[str, Any], path: Path) -> None:
    """Write tensors and plain values; the file appears under its name once it is whole."""
    buffer = io.BytesIO()  # written by torch itself, a full disk would give an unclear error
    torch.save(content, buffer)
    with whole_file(path, "wb") as file:
        file.write(buffer.getbuffer())


def restore(path: Path, imgsz: int, classes: Collection[str]) -> tuple[Net, list[str]]:
    """The network of a weights.pt, for images of `imgsz` pixels, and the names of its outputs.

    These are its classes that are among `classes`. The outputs of others are removed, so that their
    boxes do not count towards the most detections an image. Raises BackendError where none is left.
    """
    content = read_weights(path)
    if not {"depth", "names", "model"} <= set(content):
        raise BackendError(f"{path}: not the weights.pt of a RetinaNet")
    names = content["names"]
    outputs = [i for i, name in enumerate(names) if name in classes]
    if not outputs:
        raise BackendError(f"{path}: none of its classes is in {', '.join(classes)}")
    state = dict(content["model"])
    for name in (LAST_LAYER + "weight", LAST_LAYER + "bias"):
        by_class = state[name].unflatten(0, (-1, len(names)))  # anchors × classes × …
        state[name] = by_class[:, outputs].flatten(0, 1)
    net = build(ModelSpec(content["depth"], imgsz, frozen_norm=True), len(outputs))
    net.load_state_dict(state)
    return net.eval(), [names[i] for i in outputs]


def size(net: Net, imgsz: int) -> ModelSize:
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
