"""The digest of weights depends on the weights and on nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairtrial.training.digest import digest

torch = pytest.importorskip("torch")


def saved(path: Path, content: Any) -> str | None:
    torch.save(content, path)
    return digest(path)


def test_equal_weights_have_one_digest_whatever_else_is_in_the_file(tmp_path: Path) -> None:
    model = torch.nn.BatchNorm1d(3)
    one = saved(tmp_path / "a.pt", {"model": model.half(), "date": "today", "ema": None})
    assert one == saved(tmp_path / "b.pt", {"date": "then", "model": model, "args": {"lr0": 0.1}})


def test_one_bit_makes_another_digest(tmp_path: Path) -> None:
    weights = {"a": torch.zeros(2, 2), "b": torch.tensor(1)}
    others = [
        {"a": torch.tensor([[0.0, 0.0], [0.0, 1e-45]]), "b": torch.tensor(1)},
        {"a": torch.zeros(4), "b": torch.tensor(1)},
        {"a": torch.zeros(2, 2, dtype=torch.float64), "b": torch.tensor(1)},
        {"a": torch.zeros(2, 2), "b": torch.tensor(2)},
        {"a": torch.zeros(2, 2), "c": torch.tensor(1)},
    ]
    digests = [saved(tmp_path / f"{i}.pt", content) for i, content in enumerate([weights, *others])]
    assert len(set(digests)) == len(digests)


def test_a_file_that_is_not_torchs_has_none(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_text("{}")
    assert digest(tmp_path / "weights.pt") is None
