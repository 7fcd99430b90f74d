"""new: from a folder or an archive to a source, a data set and an experiment."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fairtrial import DataError, SettingsError
from fairtrial.commands._new_files import NewExperiment, file_name, refuse_existing, write_files
from fairtrial.commands._new_reading import Reading, plain_answer, read_as, recognised
from fairtrial.formats._recognition import SURENESS, Likeness, Listing
from fairtrial.plugins import plugins
from fairtrial.sources._unpacking import unpack

_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tbz2", ".txz")
_LARGEST = 50 * 10**9  # bytes that an archive may unpack to, as of a source of kind `archive`


def new(*path: Path, format: str | None = None, name: str | None = None) -> None:
    """Make an experiment from a folder of images or an archive.

    Looks at it, says what it is and how sure that is, and writes three files to edit:
    config/sources/NAME.yaml, config/datasets/NAME.yaml and config/experiments/NAME.yaml. It
    changes nothing in the folder, and overwrites nothing.

    Args:
        path: the folder, or a zip or tar file
        format: how its annotations are written, where more than one reading is possible
        name: the name of the files; by default that of the folder
    """
    if len(path) != 1:
        raise SettingsError("names one folder or archive: `fairtrial new PATH`")
    if format is not None and format not in plugins("formats"):
        known = ", ".join(plugins("formats"))
        raise SettingsError(f"--format: no such format: `{format}`; known: {known}")
    place = path[0]
    name = file_name(place) if name is None else name
    refuse_existing(name)
    with _opened(place) as folder:
        listing = Listing(folder)
        found = recognised(listing)
        if not found:
            raise DataError(plain_answer(listing, place))
        chosen = _chosen(found, format, place)
        reading = read_as(chosen, found[chosen], listing, place)
        experiment = NewExperiment.of(name, place, folder, chosen, found[chosen], reading)
    _print_seen(place, chosen, found, reading)
    for file in write_files(experiment):
        print(f"written: {file}")
    print(f"\nLook at the three files, then run\n\n  snakemake --config experiment={name}")


@contextmanager
def _opened(place: Path) -> Iterator[Path]:
    """The folder itself, or a temporary one with the content of an archive."""
    if place.is_dir():
        yield place
        return
    if not place.exists():
        raise DataError(f"{place}: there is no such folder or file")
    if not place.name.lower().endswith(_ARCHIVES):
        raise DataError(f"{place}: neither a folder nor a zip or tar file")
    with tempfile.TemporaryDirectory(prefix="fairtrial-") as folder:
        try:
            unpack(place, Path(folder), lambda _: True, _LARGEST)
        except DataError as error:
            raise DataError(f"{place}: {error}") from error
        yield Path(folder)


def _chosen(found: dict[str, Likeness], wanted: str | None, place: Path) -> str:
    """The format to read by: the wanted one, or the only one that is surest and more than possible.

    Asks on a terminal where several are. Raises DataError where there is none to ask.
    """
    readings = "\n".join(f"  {name} ({found[name].sure}): {found[name].seen}" for name in found)
    if wanted is not None:
        if wanted not in found:
            raise DataError(f"{place}: does not look like {wanted}, but like\n{readings}")
        return wanted
    best = min(SURENESS.index(likeness.sure) for likeness in found.values())
    surest = [name for name in found if SURENESS.index(found[name].sure) == best]
    if len(surest) == 1 and found[surest[0]].sure != "possible":
        return surest[0]
    if not sys.stdin.isatty():
        flags = " or ".join(f"`--format {name}`" for name in surest)
        raise DataError(f"{place}: cannot be told for sure; give {flags}:\n{readings}")
    print(f"{place} may be read as\n{readings}")
    answer = input(f"Which one? ({'/'.join(surest)}) ").strip()
    if answer not in surest:
        raise DataError(f"`{answer}` is none of {', '.join(surest)}; nothing is written")
    return answer


def _print_seen(place: Path, chosen: str, found: dict[str, Likeness], reading: Reading) -> None:
    likeness = found[chosen]
    print(f"{place}: {chosen} ({likeness.sure}): {likeness.seen}")
    for line in (*reading.lines(), *(f"check: {note}" for note in likeness.notes)):
        print(f"  {line}")
    for other, also in found.items():
        if other != chosen:
            print(f"  also {also.sure}: {other} ({also.seen}); `--format {other}` takes it")
