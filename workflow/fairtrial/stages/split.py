"""split: a data set from a source: its classes, and its train, val and test images."""

from __future__ import annotations

from pathlib import Path

from fairtrial import DataError
from fairtrial.data.balance import undersample
from fairtrial.data.certificate import SplitCertificate, balanced, certify
from fairtrial.data.dataset import Dataset, read, write
from fairtrial.data.duplicates import Duplicates, ImageDuplicates, within
from fairtrial.data.leaks import KINDS, find_leaks, refuse_leaks
from fairtrial.data.selection import ClassMap, class_map, select
from fairtrial.data.splitting import assign
from fairtrial.data.summary import SplitSummary
from fairtrial.files.modelfile import read_model, write_model
from fairtrial.settings.stages import SplitSettings


def split(
    *,
    settings: SplitSettings,
    source: Path,
    duplicates: Path,
    annotations: Path,
    certificate: Path,
) -> None:
    """Make a data set: its annotations and the certificate of its split.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        source: data/clean/<source>/annotations.json
        duplicates: data/clean/<source>/duplicates.json
        annotations: file to write: the data set's annotations
        certificate: file to write: which image is in which split, and what was checked

    Raises:
        DataError: the source lacks a class, train has no object of a class, val has no image or no
            object, test has images but no object, two classes share a name, or the split leaks more
            than `allow` permits
    """
    where = str(source)
    dataset, names = _selected(read(source), settings, where)
    copies = within(dataset, read_model(duplicates, Duplicates))
    certified = _certified(dataset, names, settings, copies, source.parent.name, where)
    _refuse_unusable(dataset, certified.summary, where)
    _print(certified)
    write(dataset, annotations)
    write_model(certificate, certified)


def _selected(source: Dataset, settings: SplitSettings, where: str) -> tuple[Dataset, ClassMap]:
    """The source with the data set's classes, and what became of each class of the source."""
    classes, single = settings.classes, settings.single_cls
    _refuse_equal_names(list(source.categories.values()), where)
    names = class_map(source, classes, single, where)
    order = sorted(set(classes.values())) if isinstance(classes, dict) else classes
    dataset = select(source, names, [single] if single else order)
    _refuse_background(list(dataset.categories.values()), where)
    return dataset, names


def _certified(
    dataset: Dataset,
    names: ClassMap,
    settings: SplitSettings,
    duplicates: ImageDuplicates,
    source: str,
    where: str,
) -> SplitCertificate:
    """Split the data set, refuse leaks and undersample train. Returns the certificate.

    source: the name of the source; where: its file, for messages.
    """
    options, allow = settings.split, list[str](settings.allow)
    splits = assign(dataset, options, duplicates.near, allow, where)
    leaks = find_leaks(dataset.images, splits, duplicates.near)
    refuse_leaks(leaks, allow, where)
    certificate = certify(
        source=source,
        dataset=dataset,
        splits=splits,
        options=options,
        allow=allow,
        class_map=names,
        duplicates=duplicates,
        leaks=leaks,
    )
    if settings.balance is None:
        return certificate
    ratio, cap = settings.balance.ratio, settings.balance.cap
    train = undersample(dataset, splits["train"], ratio, cap, options.seed)
    return balanced(certificate, dataset, train, ratio, cap)


def _print(certificate: SplitCertificate) -> None:
    """Print what was decided, for the log."""
    for old, new in certificate.class_map.items():
        print(f"class {old}: {'left out' if new is None else new}")
    for split, summary in certificate.summary.items():
        print(f"{split}: {summary.images} images, {summary.objects} objects")
    if certificate.without_split:
        print(f"{certificate.without_split} images are in no split and are not used")
    if versions := certificate.duplicates.versions:
        print(f"{versions} pictures have several augmented versions, by their names; kept together")
    if certificate.balance:
        print(f"balance: {len(certificate.balance.left_out)} images left out of train")
    for kind, leak in certificate.leaks.items():
        print(f"allowed: {leak.images} images are {KINDS[kind][0]} in two splits")
    if across := certificate.duplicates.doubtful_across:
        print(f"look at them: {len(across)} pairs in two splits may show the same (see the report)")


def _refuse_equal_names(names: list[str], where: str) -> None:
    """Raise DataError where two classes share a name, by which all results identify a class."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{where}: two classes are called {', '.join(twice)}; rename one")


def _refuse_background(names: list[str], where: str) -> None:
    """Raise DataError for a class named as the last row and column of a confusion matrix."""
    if "background" in names:
        raise DataError(
            f"{where}: a class is called background, which stands for `no object` in the "
            "results; give it another name in the data set's `classes`, or leave it out"
        )


def _refuse_unusable(dataset: Dataset, summary: dict[str, SplitSummary], where: str) -> None:
    """Raise DataError for splits that cannot be trained or scored on."""
    for split in ("train", "val"):
        if not summary[split].images:
            raise DataError(f"{where}: the split leaves no image in {split}; change its shares")
    if not summary["val"].objects:
        raise DataError(
            f"{where}: no object in val, on which the best epoch and the confidence are chosen; "
            "change the split's seed or shares"
        )
    classes = summary["train"].classes
    missing = [name for name in dataset.categories.values() if not classes[name].objects]
    if missing:
        raise DataError(
            f"{where}: no object of {', '.join(missing)} in train, so nothing can be learned of "
            "it; leave it out of `classes`, or change the split's seed or shares"
        )
    if summary["test"].images and not summary["test"].objects:
        raise DataError(
            f"{where}: no object in test ({summary['test'].images} images), so no metric can be "
            "computed there; change the split's seed or shares, or leave test without images"
        )
