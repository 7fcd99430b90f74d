"""Classification networks: dense, convolutional, torchvision's and Ultralytics'; weights.pt."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fairtrial import BackendError
from fairtrial.backends._networks_settings import Architecture, Settings, architecture_of
from fairtrial.backends._ultralytics_files import load, workplace
from fairtrial.files.folders import whole_file
from fairtrial.training.contract import ModelSize

WIDTHS = {"mlp": [512, 256], "cnn": [128]}  # what `widths: null` stands for; others have none
BLOCKS = [32, 64, 128]  # what `blocks: null` stands for
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
    "elu": nn.ELU,
    "silu": nn.SiLU,
}


class Network(nn.Module):  # type: ignore[misc]  # torch has no types here
    """From pixels (n, 3, height, width; 0 to 255) to the scores (logits) of k classes (n, k).

    Mean and standard deviation of the channels of the training images are buffers, so that
    weights.pt has the normalisation with which the model was trained.
    """

    def __init__(self, body: nn.Module, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.body = body
        self.register_buffer("mean", mean.reshape(1, 3, 1, 1))
        self.register_buffer("deviation", deviation.reshape(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.body((pixels.float() - self.mean) / self.deviation)
        return logits


def build(architecture: Architecture, classes: int, mean: Tensor, deviation: Tensor) -> Network:
    """A network with new weights, drawn from torch's generator.

    mean, deviation: of the three channels (3,), 0 to 255.
    """
    name, size = architecture.model, architecture.imgsz
    if name == "mlp":
        head = dense(3 * size * size, architecture, classes)
        body: nn.Module = nn.Sequential(nn.Flatten(), *head)
    elif name == "cnn":
        blocks = convolutions(architecture)  # before the head: the order decides the random weights
        body = nn.Sequential(*blocks, *dense(features(architecture), architecture, classes))
    else:
        body = published(architecture, classes)
    return Network(body, mean, deviation)


def dense(inputs: int, architecture: Architecture, classes: int) -> list[nn.Module]:
    """Hidden layers by `widths`, each with activation and dropout, and the output layer; `inputs`:
    the size of the first layer's input."""
    widths = architecture.widths
    layers: list[nn.Module] = []
    for width in WIDTHS.get(architecture.model, []) if widths is None else widths:
        layers += [nn.Linear(inputs, width), ACTIVATIONS[architecture.activation]()]
        if architecture.dropout:
            layers.append(nn.Dropout(architecture.dropout))
        inputs = width
    return [*layers, nn.Linear(inputs, classes)]


def convolutions(architecture: Architecture) -> list[nn.Module]:
    """Blocks of a 3×3 convolution, batch norm unless it is switched off, activation and 2×2 max
    pooling; then the mean over the image, so that the dense part does not depend on the image
    size, or with `flatten` all that is left of it."""
    layers: list[nn.Module] = []
    inputs = 3
    for channels in architecture.blocks or BLOCKS:
        is_normed = architecture.batch_norm  # which has a bias of its own
        layers.append(nn.Conv2d(inputs, channels, 3, padding=1, bias=not is_normed))
        layers += [nn.BatchNorm2d(channels)] if is_normed else []
        layers += [ACTIVATIONS[architecture.activation](), nn.MaxPool2d(2, ceil_mode=True)]
        inputs = channels
    pooled = [] if architecture.flatten else [nn.AdaptiveAvgPool2d(1)]
    return [*layers, *pooled, nn.Flatten()]


def features(architecture: Architecture) -> int:
    """How many numbers the convolutions of a cnn leave of an image."""
    blocks = architecture.blocks or BLOCKS
    side = math.ceil(architecture.imgsz / 2 ** len(blocks)) if architecture.flatten else 1
    return blocks[-1] * side**2


def published(architecture: Architecture, classes: int) -> nn.Module:
    """A network of torchvision or Ultralytics whose last dense layer is replaced by `dense` ones.

    `activation` and `dropout` hold for these alone; the layers before them are as published.
    """
    name = architecture.model
    net = UltralyticsNet(name) if name.endswith("-cls") else from_torchvision(name)
    last = [name for name, part in net.named_modules() if isinstance(part, nn.Linear)][-1]
    parent, _, attribute = last.rpartition(".")
    inputs = net.get_submodule(last).in_features
    assert isinstance(inputs, int)
    head = nn.Sequential(*dense(inputs, architecture, classes))
    setattr(net.get_submodule(parent), attribute, head)
    return net


def from_torchvision(name: str) -> nn.Module:
    """One of torchvision's networks, with new weights."""
    import torchvision

    net: nn.Module = torchvision.models.get_model(name, weights=None)
    return net


class UltralyticsNet(nn.Module):  # type: ignore[misc]
    """One of Ultralytics' `-cls` networks, with new weights.

    In eval mode Ultralytics' return (probabilities, logits); this one returns the logits alone.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        with workplace():
            from ultralytics.nn.tasks import ClassificationModel

            self.model = ClassificationModel(f"{name}.yaml", verbose=False).model

    def forward(self, pixels: Tensor) -> Tensor:
        outputs = self.model(pixels)
        return outputs[1] if isinstance(outputs, tuple) else outputs


def start_from(net: Network, pretrained: Path, model: str) -> None:
    """Load a checkpoint of torchvision or Ultralytics, or a weights.pt, into `net`.

    Tensors whose name or shape differs are left out, as those of another head. Raises BackendError
    where fewer than nine tenths of the tensors, less two, fit.
    """
    theirs = _weights(pretrained, model)
    ours = net.body.state_dict()
    fitting = {n: v for n, v in theirs.items() if n in ours and ours[n].shape == v.shape}
    if len(fitting) < 0.9 * len(ours) - 2:
        raise BackendError(
            f"{pretrained}: not a checkpoint of {model}: "
            f"only {len(fitting)} of the model's {len(ours)} tensors fit"
        )
    net.body.load_state_dict(fitting, strict=False)


def _weights(pretrained: Path, model: str) -> dict[str, Tensor]:
    """Tensors by name. Ultralytics' checkpoints hold a network, which is looked for only where
    `model` is one of Ultralytics' networks."""
    try:
        state = read(pretrained)
    except BackendError:
        if not model.endswith("-cls"):
            raise
        with workplace():
            return dict(load(pretrained).model.float().state_dict())
    return {name.removeprefix("body."): v for name, v in state.get("model", state).items()}


def read(path: Path) -> dict[str, Any]:
    """A file of tensors and plain values by name, on the CPU. No code in it is run.

    Raises BackendError for other files.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise BackendError(f"{path}: not a file of weights ({reason})") from error
    if not isinstance(content, dict):
        raise BackendError(f"{path}: holds no weights by name")
    return content


def save(path: Path, settings: Settings, names: list[str], state: dict[str, Tensor]) -> None:
    """Write weights.pt: the architecture, the names of the classes, and the weights."""
    architecture = architecture_of(settings).model_dump()
    content = {"settings": architecture, "names": names, "model": state}
    with whole_file(path, "wb") as file:
        torch.save(content, file)


def restore(path: Path) -> tuple[Network, Architecture, list[str]]:
    """The network of a weights.pt that `save` wrote, its architecture, and its classes."""
    content = read(path)
    if not {"settings", "names", "model"} <= set(content):
        raise BackendError(f"{path}: no weights of a classification network of fairtrial")
    state, architecture = content["model"], Architecture.model_validate(content["settings"])
    net = build(architecture, len(content["names"]), state["mean"], state["deviation"])
    net.load_state_dict(state)
    return net.eval(), architecture, content["names"]


def size(net: Network, imgsz: int) -> ModelSize:
    """Parameters, GFLOPs of one image (two a multiplication and addition), layers."""
    from torch.utils.flop_counter import FlopCounterMode

    net.eval()
    device = net.get_buffer("mean").device
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        net(torch.zeros(1, 3, imgsz, imgsz, device=device))
    return ModelSize(
        parameters=sum(p.numel() for p in net.parameters()),
        gflops=round(counter.get_total_flops() / 1e9, 6),
        layers=sum(1 for _ in net.modules()),
    )
