"""split: a data set from a source: its classes, and its train, val and test images."""

from __future__ import annotations

from pathlib import Path

from fairtrial import DataError
from fairtrial.data.balance import undersample
from fairtrial.data.certificate import SplitCertificate, balanced, certify
from fairtrial.data.dataset import Dataset, Splits, read, write
from fairtrial.data.duplicates import (
    Duplicates,
    ImageDuplicates,
    clusters_within,
    decided,
    within,
)
from fairtrial.data.leaks import KINDS, find_leaks, refuse_leaks
from fairtrial.data.names import similar
from fairtrial.data.selection import ClassMap, class_map, select
from fairtrial.data.splitting import assign, refuse_too_few
from fairtrial.data.summary import summarize
from fairtrial.data.unlabelled import PREDICTED, labelled_part, with_predicted
from fairtrial.data.usable import refuse_unusable
from fairtrial.files.modelfile import read_model, write_model
from fairtrial.settings.stages import PRESENT, SplitSettings


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
    copies = _copies(dataset, read_model(duplicates, Duplicates), settings, where)
    rule, allow = settings.split, list[str](settings.allow)
    labelled = labelled_part(dataset)
    near = clusters_within(copies.near, (image.id for image in labelled.images))
    refuse_too_few(labelled, rule, near, allow, where)
    splits = assign(labelled, rule, near, allow, where)
    if settings.predict_only:
        splits = with_predicted(splits, dataset, where)
    if settings.classes == PRESENT:
        dataset, names, splits = _of_present_classes(read(source), dataset, names, splits)
        copies = _copies(dataset, read_model(duplicates, Duplicates), settings, where)
    certified = _certified(
        dataset, names, splits, settings, copies, source=source.parent.name, where=where
    )
    refuse_unusable(dataset, certified.summary, settings.split.method, where, settings.predict_only)
    _print(certified)
    _print_similar(dataset)
    write(dataset, annotations)
    write_model(certificate, certified)


def _copies(
    dataset: Dataset, duplicates: Duplicates, settings: SplitSettings, where: str
) -> ImageDuplicates:
    """The copies in the set, as the source found them and the data set decides."""
    found = within(dataset, duplicates)
    if not settings.same and not settings.different:
        return found
    return decided(found, settings.same, settings.different, dataset, where)


def _selected(source: Dataset, settings: SplitSettings, where: str) -> tuple[Dataset, ClassMap]:
    """The source with the data set's classes, and what became of each class of the source."""
    classes = settings.classes if settings.classes != PRESENT else None
    single = settings.single_cls
    _refuse_equal_names(list(source.categories.values()), where)
    names = class_map(source, classes, single, where)
    order = sorted(set(classes.values())) if isinstance(classes, dict) else classes
    dataset = select(source, names, [single] if single else order)
    _refuse_background(list(dataset.categories.values()), where)
    return dataset, names


def _of_present_classes(
    source: Dataset, dataset: Dataset, names: ClassMap, splits: Splits
) -> tuple[Dataset, ClassMap, Splits]:
    """The data set without the classes of which train has no object; images keep their split."""
    present = summarize(dataset, splits["train"]).classes
    names = {
        old: new if new is not None and present[new].objects else None for old, new in names.items()
    }
    smaller = select(source, names)
    split_of = {number: split for split, ids in splits.items() for number in ids}
    split_of_file = {image.file_name: split_of.get(image.id) for image in dataset.images}
    moved: Splits = {split: [] for split in splits}
    for image in smaller.images:
        split = split_of_file[image.file_name]
        if split is not None:
            moved[split].append(image.id)
    return smaller, names, moved


def _certified(
    dataset: Dataset,
    names: ClassMap,
    splits: Splits,
    settings: SplitSettings,
    duplicates: ImageDuplicates,
    *,
    source: str,
    where: str,
) -> SplitCertificate:
    """Refuse leaks and undersample train. Returns the certificate.

    source: the name of the source; where: its file, for messages.
    """
    options, allow = settings.split, list[str](settings.allow)
    scored = splits | {PREDICTED: []} if settings.predict_only else splits
    leaks = find_leaks(dataset.images, scored, duplicates.near)
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
        predict_only=settings.predict_only,
        group_name=settings.group_name,
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
    if certificate.method == "given" and "val" in certificate.asked:
        print("val: drawn from train, for the source gives none")
    if certificate.predict_only:
        print("test: images without labels, which are predicted and not scored")
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


def _print_similar(dataset: Dataset) -> None:
    """Print names of classes and groups that differ in blanks, case or `.0` alone."""
    groups = {image.group for image in dataset.images if image.group is not None}
    for what, names in (("classes", dataset.categories.values()), ("groups", groups)):
        for alike in similar(names):
            print(f"{what} that differ in blanks, case or .0 alone: {', '.join(alike)}; is it one?")


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
