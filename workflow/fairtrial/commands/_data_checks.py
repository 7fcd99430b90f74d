"""Checks of `doctor`: raw data and checkpoints, here or where they are to come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from fairtrial.commands._findings import Finding, missing, ok, warning
from fairtrial.files import checksums
from fairtrial.planning.plan import Plan
from fairtrial.plugins import plugin
from fairtrial.settings.stages import DownloadSettings
from fairtrial.sources._fetching import Wanted, origin, place_of
from fairtrial.sources._needs import Needs
from fairtrial.store import entries

_TIMEOUT = 5.0  # seconds for a server to answer at all


def data(plan: Plan, online: bool) -> Iterator[Finding]:
    """Each source of the experiment, and each checkpoint that a run starts from."""
    for name, source in plan.sources.items():
        there = _raw(name)
        yield from [there] if there else _to_come(name, needs_of(source.download), online)
    for checkpoint in sorted({plan.pretrained(run) for run in plan.runs} - {""}):
        yield _checkpoint(Path(checkpoint))


def needs_of(download: DownloadSettings) -> Needs:
    """What the source of these settings will ask for."""
    module = plugin("sources", download.kind)
    needs: Needs = module.needs(module.Settings(**download.settings))
    return needs


def is_there(source: str) -> bool:
    """Whether download has made the raw files of a source."""
    return Path("data/raw", source).is_dir() and Path(f"data/raw/{source}.sha256").is_file()


def _raw(name: str) -> Finding | None:
    """How it stands with raw files that download has made; None where it has not."""
    if not is_there(name):
        return None
    folder = Path("data/raw", name)
    listed = checksums.read_manifest(folder.with_name(f"{name}.sha256"))
    gone = [file for file in listed if not (folder / file).is_file()]
    if gone:
        text = f"{len(gone)} of {len(listed)} files are not in {folder}, such as {gone[0]}"
        return missing(f"source {name}", f"{text}; remove {folder}.sha256 to have them made anew")
    return ok(f"source {name}", f"{len(listed)} files in {folder}")


def _to_come(name: str, needs: Needs, online: bool) -> Iterator[Finding]:
    """What download will take, and whether it can have it."""
    thing = f"source {name}"
    gone = [place for place in needs.places if not place.exists()]
    for place in gone:
        text = f"there is no {place}; put the data or a link there, or mend config/sources/{name}"
        yield missing(thing, f"{text}.yaml")
    if not needs.fetched:
        if not gone:
            text = f"comes from {needs.places[0]}" if needs.places else "is drawn by download"
            yield ok(thing, text)
        return
    downloads = entries.root() / "downloads"
    wanted = [one for one in needs.fetched if not place_of(downloads, one.address).is_file()]
    if wanted or needs.later:
        yield _fetched(name, wanted, needs, online)
    else:
        yield ok(thing, f"what it is made from is in {downloads}")


def _fetched(name: str, wanted: list[Wanted], needs: Needs, online: bool) -> Finding:
    """Files that are not here yet: in a mirror's folder, or on a server."""
    thing = f"source {name}"
    places = [origin(one, name) for one in wanted or needs.fetched[:1]]
    files = f"{len(wanted)} of {len(needs.fetched)} files"
    files += f", and then up to {needs.later:,} more," if needs.later else ""
    gone = [place for place in places if isinstance(place, Path) and not place.is_file()]
    if gone:
        return missing(
            thing, f"{len(gone)} of {len(needs.fetched)} files are not in the mirror: no {gone[0]}"
        )
    first = places[0]
    if isinstance(first, Path):
        return ok(thing, f"{files} come from the mirror")
    host = urlsplit(first).netloc
    count = f"{files} are to be fetched from {host}"
    if online:
        fault = _unreachable(first)
        if fault:
            return missing(thing, f"{count}, and {first} {fault}; see FAIRTRIAL_MIRROR")
        return ok(thing, f"{count}, which answers")
    text = f"{count}; `snakemake data/raw/{name}.sha256` does it, --online asks the server"
    return warning(thing, text)


def _unreachable(address: str) -> str:
    """Why a file cannot be fetched now; empty if its server would send it."""
    import httpx

    try:
        with httpx.stream("GET", address, timeout=_TIMEOUT, follow_redirects=True) as answer:
            return f"answers {answer.status_code}" if answer.is_error else ""
    except httpx.HTTPError as error:
        return f"does not answer ({error})"
    except httpx.InvalidURL as error:
        return f"is no address ({error})"


def _checkpoint(path: Path) -> Finding:
    """A checkpoint is there and the one that its source's manifest names."""
    thing = f"weights {path.relative_to('data/raw').as_posix()}"
    source, file = path.parts[2], Path(*path.parts[3:]).as_posix()
    manifest = Path(f"data/raw/{source}.sha256")
    if not (path.is_file() and manifest.is_file()):
        return warning(thing, f"comes with the source {source}")
    if checksums.read_manifest(manifest).get(file) != checksums.sha256(path):
        text = f"{path} is not what {manifest} names; remove that file to have it made anew"
        return missing(thing, text)
    return ok(thing, f"{path} is the one that {manifest} names")
