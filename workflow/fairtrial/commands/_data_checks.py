"""Checks of `doctor`: raw data and pretrained checkpoints, here or where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from fairtrial.commands._findings import Finding, missing, ok, warning
from fairtrial.files import checksums
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.plugins import plugin
from fairtrial.settings.stages import DownloadSettings
from fairtrial.sources._fetching import Wanted, origin, place_of
from fairtrial.sources._needs import Needs
from fairtrial.store import entries

_TIMEOUT = 5.0  # seconds for a server to answer at all


def data(plan: PlannedExperiment, online: bool) -> Iterator[Finding]:
    """Each source of the experiment, and each checkpoint that a run starts from."""
    for name, source in plan.sources.items():
        if is_downloaded(name):
            yield _raw(name)
        else:
            yield from _to_come(name, needs_of(source.download), online)
    for checkpoint in sorted({plan.pretrained(run) for run in plan.runs} - {""}):
        yield _checkpoint(Path(checkpoint))


def needs_of(download: DownloadSettings) -> Needs:
    """The files that the source of these settings needs."""
    module = plugin("sources", download.kind)
    needs: Needs = module.needs(module.Settings(**download.settings))
    return needs


def is_downloaded(source: str) -> bool:
    """Whether the stage download has made the raw files of a source."""
    return Path("data/raw", source).is_dir() and Path(f"data/raw/{source}.sha256").is_file()


def _raw(name: str) -> Finding:
    """Whether the raw files of a source, which download has made, are still all there."""
    folder = Path("data/raw", name)
    manifest = checksums.read_manifest(folder.with_name(f"{name}.sha256"))
    absent = [file for file in manifest if not (folder / file).is_file()]
    if absent:
        text = f"{len(absent)} of {len(manifest)} files are not in {folder}, such as {absent[0]}"
        return missing(f"source {name}", f"{text}; remove {folder}.sha256 to have them made again")
    return ok(f"source {name}", f"{len(manifest)} files in {folder}")


def _to_come(name: str, needs: Needs, online: bool) -> Iterator[Finding]:
    """What download will fetch or read, and whether that is available."""
    thing = f"source {name}"
    absent = [place for place in needs.places if not place.exists()]
    for place in absent:
        text = (
            f"there is no {place}; put the data or a link there, or correct config/sources/{name}"
        )
        yield missing(thing, f"{text}.yaml")
    if not needs.fetched:
        if not absent:
            text = f"comes from {needs.places[0]}" if needs.places else "is drawn by download"
            yield ok(thing, text)
        return
    downloads = entries.root() / "downloads"
    files = [file for file in needs.fetched if not place_of(downloads, file.address).is_file()]
    if files or needs.later:
        yield _fetched(name, files, needs, online)
    else:
        yield ok(thing, f"what it is made from is in {downloads}")


def _fetched(name: str, files: list[Wanted], needs: Needs, online: bool) -> Finding:
    """Whether the `files` that are not here yet are in a mirror's folder, or on a server."""
    thing = f"source {name}"
    origins = [origin(file, name) for file in files or needs.fetched[:1]]
    count = f"{len(files)} of {len(needs.fetched)} files"
    count += f", and then up to {needs.later:,} more," if needs.later else ""
    absent = [path for path in origins if isinstance(path, Path) and not path.is_file()]
    if absent:
        text = f"{len(absent)} of {len(needs.fetched)} files are not in the mirror: no {absent[0]}"
        return missing(thing, text)
    first = origins[0]
    if isinstance(first, Path):
        return ok(thing, f"{count} come from the mirror")
    text = f"{count} are to be fetched from {urlsplit(first).netloc}"
    if online:
        fault = _unreachable(first)
        if fault:
            return missing(thing, f"{text}, and {first} {fault}; see FAIRTRIAL_MIRROR")
        return ok(thing, f"{text}, which answers")
    text += f"; `snakemake data/raw/{name}.sha256` does it, --online asks the server"
    return warning(thing, text)


def _unreachable(address: str) -> str:
    """Why a file cannot be fetched now; "" if its server would send it."""
    import httpx

    try:
        with httpx.stream("GET", address, timeout=_TIMEOUT, follow_redirects=True) as response:
            return f"answers {response.status_code}" if response.is_error else ""
    except httpx.HTTPError as error:
        return f"does not answer ({error})"
    except httpx.InvalidURL as error:
        return f"is no address ({error})"


def _checkpoint(path: Path) -> Finding:
    """Whether a pretrained checkpoint is there, with the SHA-256 in its source's manifest."""
    thing = f"checkpoint {path.relative_to('data/raw').as_posix()}"
    source, file = path.parts[2], Path(*path.parts[3:]).as_posix()
    manifest = Path(f"data/raw/{source}.sha256")
    if not (path.is_file() and manifest.is_file()):
        return warning(thing, f"comes with the source {source}")
    if checksums.read_manifest(manifest).get(file) != checksums.sha256(path):
        text = f"{path} is not what {manifest} names; remove that file to have it made again"
        return missing(thing, text)
    return ok(thing, f"{path} is the one that {manifest} names")
