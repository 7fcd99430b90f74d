"""Whether splits can be trained and scored on."""

from __future__ import annotations

from collections.abc import Mapping

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.objects import crowds_by_class
from fairtrial.data.summary import SplitSummary

_REMEDIES = {
    "given": "use another method than `given`, for the source's own splits are so",
    "kfold": "change the split's seed or take fewer folds",
}


def refuse_unusable(
    dataset: Dataset,
    summary: Mapping[str, SplitSummary],
    method: str,
    where: str,
    predict_only: bool = False,
) -> None:
    """Raise DataError, naming `where`, for splits that cannot be trained or scored on.

    summary: what is in each split; method: how they were made, for the remedy; predict_only:
    whether test is only predicted.
    """
    remedy = _REMEDIES.get(method, "change the split's seed or shares")
    for split in ("train", "val"):
        if not summary[split].images:
            raise DataError(f"{where}: the split leaves no image in {split}; {remedy}")
    if not summary["val"].objects:
        raise DataError(
            f"{where}: no object in val, on which the best epoch and the confidence are chosen; "
            f"{remedy}"
        )
    if missing := _not_in_train(dataset, summary):
        raise DataError(
            f"{where}: no object of {', '.join(missing)} in train{_nowhere(dataset, summary)}, so "
            "nothing can be learned of it; set `classes: present` to leave out what train lacks, "
            f"or {remedy}"
        )
    if summary["test"].images and not summary["test"].objects and not predict_only:
        raise DataError(
            f"{where}: no object in test ({summary['test'].images} images), so no metric can be "
            f"computed there; {remedy}, or leave test without images. If they have no labels, name "
            "them as `unlabelled` in the source and set `predict_only: true` in the data set"
        )


def _not_in_train(dataset: Dataset, summary: Mapping[str, SplitSummary]) -> list[str]:
    """The classes without an object in train, each with the crowd regions that it has instead."""
    crowds = crowds_by_class(dataset.annotations)
    names = dataset.categories.items()
    return [
        f"{name} ({crowds[number]} crowd regions, which count neither way)"
        if number in crowds
        else name
        for number, name in names
        if not summary["train"].classes[name].objects
    ]


def _nowhere(dataset: Dataset, summary: Mapping[str, SplitSummary]) -> str:
    """How many classes have no object in any split, as a part of a sentence."""
    names = dataset.categories.values()
    count = sum(not any(part.classes[name].objects for part in summary.values()) for name in names)
    return f" ({count} of them have none in any split)" if count else ""
