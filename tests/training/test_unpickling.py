"""Checkpoints are opened without running what somebody put into them."""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from facts import refused
from fairtrial import BackendError
from fairtrial.training.digest import digest
from fairtrial.training.unpickling import UnlistedError, trusting, trusting_copy, unpickled


class Call:
    """A pickle that calls a function when it is opened."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def mark() -> Call:
    """Makes a file `ran` in the working folder."""
    return Call(Path.touch, Path("ran"))


def inside_a_network() -> nn.Module:
    net = nn.Sequential(nn.Linear(2, 2))
    net[0].extra = mark()
    return net


CODE = {
    "a call": lambda: {"model": mark()},
    "in a network's attribute": lambda: {"model": inside_a_network()},
    "in a list": lambda: [1, [mark()]],
    "system": lambda: Call(__import__("os").system, "touch ran"),
    "exec": lambda: Call(exec, "open('ran', 'w')"),
    "a function of a listed module": lambda: Call(
        nn.modules.module.register_module_module_registration_hook, print
    ),
    "a constructor of a listed class": lambda: Call(nn.Linear, 2, 2),
    "an attribute of a listed class": lambda: Call(getattr, nn.Linear, "reset_parameters"),
    "a codec": lambda: Call(__import__("_codecs").encode, b"ran", "zlib"),
}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", CODE)
def test_code_in_a_checkpoint_is_not_run(kind: str) -> None:
    torch.save(CODE[kind](), "a.pt")
    with refused(UnlistedError, "a.pt", "config/sources/", digest_of("a.pt")):
        unpickled(Path("a.pt"))
    with refused(BackendError, "a.pt"):
        digest(Path("a.pt"))
    assert not Path("ran").exists()


def digest_of(name: str) -> str:
    return hashlib.sha256(Path(name).read_bytes()).hexdigest()


@pytest.mark.parametrize("protocol", range(6))
def test_no_protocol_runs_code(protocol: int) -> None:
    torch.save(inside_a_network(), "a.pt", pickle_protocol=protocol)
    with refused(UnlistedError, "a.pt"):
        unpickled(Path("a.pt"))
    assert not Path("ran").exists()


def test_what_is_refused_is_named() -> None:
    torch.save(CODE["system"](), "a.pt")
    with refused(UnlistedError, "a.pt", "posix.system"):
        unpickled(Path("a.pt"))


@pytest.mark.parametrize(
    "content", [pickle.dumps(mark()), b"", b"PK\x03\x04"], ids=["pickle", "empty", "cut"]
)
def test_what_is_no_file_of_torch_is_refused(content: bytes) -> None:
    Path("a.pt").write_bytes(content)
    with refused(BackendError, "a.pt", "not a file of torch"):
        unpickled(Path("a.pt"))
    assert not Path("ran").exists()


def test_a_program_in_torchscript_is_refused() -> None:
    with zipfile.ZipFile("a.pt", "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps(1, 2))
        archive.writestr("a/constants.pkl", pickle.dumps((), 2))
    with refused(UnlistedError, "a.pt", "TorchScript"):
        unpickled(Path("a.pt"))


def test_tensors_networks_and_values_are_opened_as_they_were() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.SiLU()).half()
    net.names = {0: "a"}
    held = {"model": net, "shape": torch.Size([1]), "type": torch.float16, "set": {1}, "of": None}
    torch.save(held | {"path": Path("a/b"), "alone": nn.Parameter(torch.ones(2))}, "a.pt")
    opened = unpickled(Path("a.pt"))
    assert {name: opened[name] for name in ("shape", "type", "set", "of")} == {
        name: held[name] for name in ("shape", "type", "set", "of")
    }
    assert str(opened["path"]) == "a/b"
    assert type(opened["alone"]) is nn.Parameter
    again = opened["model"]
    assert type(again) is nn.Sequential
    assert again.names == {0: "a"}
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))
    image = torch.rand(1, 3, 8, 8).half()
    assert torch.equal(net.eval()(image), again.eval()(image))


def test_settings_in_a_checkpoint_of_a_training_are_opened() -> None:
    """Ultralytics' last.pt holds them; pickles make such an object by a call without arguments."""
    from ultralytics.utils import IterableSimpleNamespace

    torch.save({"args": IterableSimpleNamespace(lr0=0.1)}, "a.pt")
    assert unpickled(Path("a.pt"))["args"] == IterableSimpleNamespace(lr0=0.1)


def test_a_trusted_file_is_opened_whatever_it_holds() -> None:
    torch.save({"model": mark()}, "a.pt")
    with trusting("0" * 64), pytest.raises(UnlistedError):
        unpickled(Path("a.pt"))
    with trusting(digest_of("a.pt")):
        unpickled(Path("a.pt"))
    assert Path("ran").exists()
    with pytest.raises(UnlistedError):
        unpickled(Path("a.pt"))


def test_weights_are_trusted_only_beside_a_trusted_checkpoint() -> None:
    torch.save({"model": mark()}, "a.pt")
    with trusting(None), trusting_copy(Path("a.pt")), pytest.raises(UnlistedError):
        unpickled(Path("a.pt"))
    assert not Path("ran").exists()
    with trusting("0" * 64), trusting_copy(Path("a.pt")):
        unpickled(Path("a.pt"))
    assert Path("ran").exists()
