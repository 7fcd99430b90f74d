"""What config/datasets/<name>.yaml may hold: a view of a source, and how it is split."""

from __future__ import annotations

from fairtrial import SettingsError
from fairtrial.files.yamlfile import Name
from fairtrial.settings.run_name import FoldName
from fairtrial.settings.stages import SplitSettings


class DatasetSettings(SplitSettings):
    """config/datasets/<name>.yaml: one view of a source."""

    source: Name

    @property
    def of_split(self) -> SplitSettings:
        """What the stage `split` gets: everything but the source, which is its input."""
        return SplitSettings(**{name: getattr(self, name) for name in SplitSettings.model_fields})

    def fold(self, number: int) -> DatasetSettings:
        """The data set in which one fold is test."""
        split = self.split.model_copy(update={"fold": number})
        return self.model_copy(update={"split": split})

    def folds(self, name: str) -> list[str]:
        """The names of the data sets that a file `<name>.yaml` stands for where it leaves the
        fold open: `<name>.fold1`, `<name>.fold2` …; otherwise its own name alone."""
        if self.split.method != "kfold" or self.split.fold is not None:
            return [name]
        return [str(FoldName(name, number)) for number in range(1, self.split.folds + 1)]


def one_fold(dataset: DatasetSettings, name: str, where: str) -> DatasetSettings:
    """The data set `<name>` or `<name>.fold<k>`. `dataset`: the content of <name>.yaml.

    Raises SettingsError, naming `where`, where `name` lacks a fold or has an unknown one.
    """
    fold_name = FoldName.parse(name)
    known = dataset.folds(fold_name.name)
    if len(known) == 1 and fold_name.fold is None:
        return dataset
    if len(known) == 1:
        raise SettingsError(f"{where}: `{name}`: must be `{known[0]}`, whose fold is set")
    if fold_name.fold is None or name not in known:
        raise SettingsError(f"{where}: `{name}`: must name a fold: {', '.join(known)}")
    return dataset.fold(fold_name.fold)
