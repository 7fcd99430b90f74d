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
from fairtrial.sources._fetching import RemoteFile, origin, place_of
from fairtrial.sources._needs import Needs
from fairtrial.store import entries

_TIMEOUT = 5.0  # seconds for a server to answer at all


def data(plan: PlannedExperiment, online: bool) -> Iterator[Finding]:
    """Each source of the experiment, and each checkpoint that a run starts from."""
    for name, source in plan.sources.items():
        if is_downloaded(name):
            yield _raw(name)
        else:
            yield from _not_downloaded(name, needs_of(source.download), online)
    for checkpoint in sorted({run.source_checkpoint for run in plan.runs.values()} - {""}):
        yield _checkpoint(Path("data/raw", checkpoint))


def needs_of(download: DownloadSettings) -> Needs:
    """The files that the source of these settings needs."""
    module = plugin("sources", download.kind)
    needs: Needs = module.needs(module.Settings(**download.settings))
    return needs


def is_downloaded(source: str) -> bool:
    """Whether `download` has finished for a source: its raw folder and its manifest exist."""
    return Path("data/raw", source).is_dir() and Path(f"data/raw/{source}.sha256").is_file()


def _raw(name: str) -> Finding:
    """Whether all files of a downloaded source still exist."""
    folder = Path("data/raw", name)
    manifest = checksums.read_manifest(folder.with_name(f"{name}.sha256"))
    absent = [file for file in manifest if not (folder / file).is_file()]
    if absent:
        text = f"{len(absent)} of {len(manifest)} files are not in {folder}, such as {absent[0]}"
        return missing(f"source {name}", f"{text}; remove {folder}.sha256 to download them again")
    return ok(f"source {name}", f"{len(manifest)} files in {folder}")


def _not_downloaded(name: str, needs: Needs, online: bool) -> Iterator[Finding]:
    """Whether the files that `download` will fetch or read are available."""
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
        yield ok(thing, f"the files that it is made from are in {downloads}")


def _fetched(name: str, files: list[RemoteFile], needs: Needs, online: bool) -> Finding:
    """Whether the `files` that are not in the store yet are in a mirror's folder or on a server."""
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
        problem = _unreachable(first)
        if problem:
            return missing(thing, f"{text}, and {first} {problem}; see FAIRTRIAL_MIRROR")
        return ok(thing, f"{text}, which answers")
    text += f"; `snakemake data/raw/{name}.sha256` fetches them, --online checks the server"
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
    """Whether a pretrained checkpoint exists and has the SHA-256 of its source's manifest."""
    thing = f"checkpoint {path.relative_to('data/raw').as_posix()}"
    source, file = path.parts[2], Path(*path.parts[3:]).as_posix()
    manifest = Path(f"data/raw/{source}.sha256")
    if not (path.is_file() and manifest.is_file()):
        return warning(thing, f"comes with the source {source}")
    if checksums.read_manifest(manifest).get(file) != checksums.sha256(path):
        text = f"{path} is not what {manifest} names; remove that manifest to download it again"
        return missing(thing, text)
    return ok(thing, f"{path} is the one that {manifest} names")
