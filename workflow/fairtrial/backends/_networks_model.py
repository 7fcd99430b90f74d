"""Classification networks: dense, convolutional, torchvision's and Ultralytics', with a head of
widths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fairtrial import BackendError
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

    Mean and deviation of the training images' channels are part of it, so that a model and what
    it was trained on cannot be parted.
    """

    def __init__(self, body: nn.Module, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.body = body
        self.register_buffer("mean", mean.reshape(1, 3, 1, 1))
        self.register_buffer("deviation", deviation.reshape(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.body((pixels.float() - self.mean) / self.deviation)
        return found


def build(settings: dict[str, Any], classes: int, mean: Tensor, deviation: Tensor) -> Network:
    """A network with new weights, drawn from torch's generator."""
    name, size = settings["model"], settings["imgsz"]
    if name == "mlp":
        body: nn.Module = nn.Sequential(nn.Flatten(), *dense(3 * size * size, settings, classes))
    elif name == "cnn":
        last = (settings["blocks"] or BLOCKS)[-1]
        body = nn.Sequential(*convolutions(settings), *dense(last, settings, classes))
    else:
        body = published(settings, classes)
    return Network(body, mean, deviation)


def dense(inputs: int, settings: dict[str, Any], classes: int) -> list[nn.Module]:
    """Hidden layers of the given widths, each with activation and dropout, and the last one."""
    widths = settings["widths"]
    layers: list[nn.Module] = []
    for width in WIDTHS.get(settings["model"], []) if widths is None else widths:
        layers += [nn.Linear(inputs, width), ACTIVATIONS[settings["activation"]]()]
        layers += [nn.Dropout(settings["dropout"])] if settings["dropout"] else []
        inputs = width
    return [*layers, nn.Linear(inputs, classes)]


def convolutions(settings: dict[str, Any]) -> list[nn.Module]:
    """Blocks of a 3×3 convolution, batch norm, activation and 2×2 maximum; then the mean over
    the image, so that the dense part does not depend on the image size."""
    layers: list[nn.Module] = []
    inputs = 3
    for channels in settings["blocks"] or BLOCKS:
        layers += [
            nn.Conv2d(inputs, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            ACTIVATIONS[settings["activation"]](),
            nn.MaxPool2d(2, ceil_mode=True),
        ]
        inputs = channels
    return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()]


def published(settings: dict[str, Any], classes: int) -> nn.Module:
    """A network of torchvision or Ultralytics; its last dense layer becomes a head of our widths.

    `activation` and `dropout` are those of the head: what is before it stays as published.
    """
    name = settings["model"]
    found = Scores(name) if name.endswith("-cls") else torchvisions(name)
    last = [name for name, part in found.named_modules() if isinstance(part, nn.Linear)][-1]
    above, _, own = last.rpartition(".")
    inputs = found.get_submodule(last).in_features
    assert isinstance(inputs, int)
    setattr(found.get_submodule(above), own, nn.Sequential(*dense(inputs, settings, classes)))
    return found


def torchvisions(name: str) -> nn.Module:
    """One of torchvision's networks, with new weights."""
    import torchvision

    found: nn.Module = torchvision.models.get_model(name, weights=None)
    return found


class Scores(nn.Module):  # type: ignore[misc]
    """One of Ultralytics' `-cls` networks; where nothing is learned, those give (probabilities,
    scores), and this the scores alone."""

    def __init__(self, name: str) -> None:
        super().__init__()
        with workplace():
            from ultralytics.nn.tasks import ClassificationModel

            self.model = ClassificationModel(f"{name}.yaml", verbose=False).model

    def forward(self, pixels: Tensor) -> Tensor:
        found = self.model(pixels)
        return found[1] if isinstance(found, tuple) else found


def start_from(net: Network, checkpoint: Path, settings: dict[str, Any]) -> None:
    """Take over the weights of a checkpoint: torchvision's or Ultralytics' own, or one of ours.

    The head is left out where its shape differs. Raises BackendError where less than nine
    tenths of what is before the head fits.
    """
    theirs = _weights(checkpoint, settings["model"])
    ours = net.body.state_dict()
    fitting = {n: v for n, v in theirs.items() if n in ours and ours[n].shape == v.shape}
    if len(fitting) < 0.9 * len(ours) - 2:
        raise BackendError(
            f"{checkpoint}: not a checkpoint of {settings['model']}: "
            f"only {len(fitting)} of the model's {len(ours)} tensors fit"
        )
    net.body.load_state_dict(fitting, strict=False)


def _weights(checkpoint: Path, model: str) -> dict[str, Any]:
    """Tensors by name. Ultralytics' own files hold Python objects, and only for its networks are
    those unpickled."""
    try:
        state = read(checkpoint)
    except BackendError:
        if not model.endswith("-cls"):
            raise
        with workplace():
            return dict(load(checkpoint).model.float().state_dict())
    return {name.removeprefix("body."): v for name, v in state.get("model", state).items()}


def read(checkpoint: Path) -> dict[str, Any]:
    """A file of tensors and plain values; it runs no code. Raises BackendError for others."""
    try:
        found = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise BackendError(f"{checkpoint}: not a file of weights ({reason})") from error
    if not isinstance(found, dict):
        raise BackendError(f"{checkpoint}: holds no weights by name")
    return found


def save(path: Path, settings: dict[str, Any], names: list[str], state: dict[str, Any]) -> None:
    """weights.pt: what is needed to build the network, its classes, and its weights."""
    shape = ("model", "imgsz", "widths", "blocks", "activation", "dropout")
    content = {"settings": {name: settings[name] for name in shape}, "names": names, "model": state}
    with whole_file(path, "wb") as file:
        torch.save(content, file)


def restore(path: Path) -> tuple[Network, dict[str, Any], list[str]]:
    """The network of a weights.pt that `save` wrote, its settings, and its classes."""
    content = read(path)
    if not {"settings", "names", "model"} <= set(content):
        raise BackendError(f"{path}: no weights of a classification network of fairtrial")
    state = content["model"]
    net = build(content["settings"], len(content["names"]), state["mean"], state["deviation"])
    net.load_state_dict(state)
    return net.eval(), content["settings"], content["names"]


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
