"""How the learning rate falls: as torch's own schedules do, and no older key changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from facts import refused
from fairtrial import SettingsError
from fairtrial.backends import _networks_loop, _retinanet_loop, networks, retinanet
from fairtrial.files.yamlfile import closed, read_yaml
from fairtrial.planning.config_files import of_params
from fairtrial.training.cached_training import entry_key
from fairtrial.training.inputs import TrainingInputs
from fairtrial.training.settings import TrainingSettings
from tests.ids import short

PARAMS = read_yaml(Path(__file__).parents[2] / "params.yaml")
EPOCHS = 9
SMALL = {"networks": {"model": "cnn", "imgsz": 16}, "retinanet": {"imgsz": 64}}
ADDED = ("milestones", "step_size", "lr_factor")


def settings(backend: Any, **changed: Any) -> Any:
    model: type[TrainingSettings] = backend.Settings
    small = SMALL[backend.__name__.rpartition(".")[2]]
    own = {name: (PARAMS | small)[name] for name in of_params(model)}
    rates = {"lr0": 0.1, "lrf": 0.01, "epochs": EPOCHS}
    return closed(model, own | rates | changed, lambda key: "here")


def of_torch(make: Any) -> list[float]:
    """The rate of each epoch by one of torch's schedulers."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = make(optimizer)
    rates = []
    for _ in range(EPOCHS):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


SCHEDULES = [
    ({"scheduler": "none"}, lambda o: lr_scheduler.ConstantLR(o, factor=1.0)),
    (
        {"scheduler": "exponential", "lr_factor": 0.9},
        lambda o: lr_scheduler.ExponentialLR(o, gamma=0.9),
    ),
    ({"scheduler": "exponential"}, lambda o: lr_scheduler.ExponentialLR(o, gamma=0.01 ** (1 / 8))),
    (
        {"scheduler": "step", "milestones": [2, 5], "lr_factor": 0.1},
        lambda o: lr_scheduler.MultiStepLR(o, milestones=[2, 5], gamma=0.1),
    ),
    (
        {"scheduler": "step", "milestones": [4, 7, 30]},
        lambda o: lr_scheduler.MultiStepLR(o, milestones=[4, 7], gamma=0.1),
    ),
    (
        {"scheduler": "step", "step_size": 3, "lr_factor": 0.5},
        lambda o: lr_scheduler.StepLR(o, step_size=3, gamma=0.5),
    ),
    ({"scheduler": "step"}, lambda o: lr_scheduler.StepLR(o, step_size=3, gamma=0.1)),
    (
        {"scheduler": "cosine"},
        lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=8, eta_min=0.001),
    ),
]


@pytest.mark.parametrize(("changed", "theirs"), SCHEDULES, ids=short)
def test_rates_are_those_of_torch_in_each_of_our_loops(
    changed: dict[str, Any], theirs: Any
) -> None:
    expected = of_torch(theirs)
    of_networks = settings(networks, **changed)
    of_retinanet = settings(retinanet, warmup_epochs=0.0, **changed)
    rate = _networks_loop.learning_rate
    assert [rate(of_networks, n) for n in range(EPOCHS)] == pytest.approx(expected)
    for step in (0, 3):
        rates = [
            _retinanet_loop.learning_rate(of_retinanet, n, step, steps=4) for n in range(EPOCHS)
        ]
        assert rates == pytest.approx(expected)


def test_a_schedule_of_retinanet_begins_after_its_warm_up_has_risen() -> None:
    own = settings(retinanet, warmup_epochs=2.0, scheduler="step", milestones=[1], lr_factor=0.1)
    rates = [_retinanet_loop.learning_rate(own, n, 3, steps=4) for n in range(3)]
    assert rates == pytest.approx([0.1 * 0.5, 0.01, 0.01])


KEYS = {  # as the release before these settings named such trainings
    networks: "311401c01bd9f244f320b37942bc651d",
    retinanet: "480bb869ae292713526ea9d2b0cd4a06",
}


@pytest.mark.parametrize("backend", KEYS, ids=["networks", "retinanet"])
def test_at_their_defaults_they_change_neither_settings_nor_key(backend: Any) -> None:
    own = {n: (PARAMS | {"model": "cnn"})[n] for n in of_params(backend.Settings)}
    made = backend.Settings.model_validate(own)
    assert entry_key(backend.__name__.rpartition(".")[2], made, "code", INPUTS) == KEYS[backend]
    lacking = backend.Settings.model_validate({n: v for n, v in own.items() if n not in ADDED})
    assert lacking.model_dump(mode="json") == made.model_dump(mode="json")
    assert not {*ADDED} & made.model_dump().keys()


INPUTS = TrainingInputs("a", "b")


@pytest.mark.parametrize(
    ("changed", "fact"),
    [
        ({"milestones": [5, 2]}, "rising epochs"),
        ({"milestones": []}, "rising epochs"),
        ({"milestones": [2], "step_size": 2}, "keep one"),
        ({"lr_factor": 1.0}, "less than 1"),
        ({"step_size": 0}, "1"),
    ],
    ids=short,
)
def test_what_says_no_schedule_is_refused(changed: dict[str, Any], fact: str) -> None:
    for backend in KEYS:
        with refused(SettingsError, fact):
            settings(backend, scheduler="step", **changed)
