"""Checks of `doctor`: where DVC's remote lies, and what `dvc exp push` would leave behind."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from configparser import ConfigParser, Error
from importlib.util import find_spec
from pathlib import Path

from fairtrial.commands._findings import Finding, missing, ok, some, warning

CONFIG, LOCAL = ".dvc/config", ".dvc/config.local"
EXPERIMENTS = "refs/exps/*/*/*"
PLUGINS = {"s3": "dvc_s3", "ssh": "dvc_ssh", "gs": "dvc_gs", "azure": "dvc_azure"}
SECRETS = (
    *("access_key_id", "secret_access_key", "session_token", "password", "passphrase"),
    *("account_key", "sas_token", "connection_string", "client_secret"),
)


def remotes() -> Iterator[Finding]:
    """What of DVC's default remote would fail, or would send nothing without a word."""
    text = _text(Path(CONFIG)) if Path(".dvc").is_dir() else ""
    shared, own = _sections(text), _sections(_text(Path(LOCAL)))
    name = (shared.get("core", {}) | own.get("core", {})).get("remote", "")
    if not name:
        return
    address = _remote(shared, name).get("url") or _remote(own, name).get("url", "")
    findings = [
        *_uncommitted(name, shared),
        *_before_it(name),
        *_address(name, address),
        *_secrets(name, _remote(shared, name)),
    ]
    yield from findings or [ok("remote", f"{name}: {address}")]


def _uncommitted(name: str, shared: dict[str, dict[str, str]]) -> Iterator[Finding]:
    """A remote that the last commit lacks is unknown to clones."""
    committed = _sections(_git("show", f"HEAD:./{CONFIG}"))
    is_known = committed.get("core", {}).get("remote") == name
    if "remote" in shared.get("core", {}) and not (
        is_known and _remote(committed, name) == _remote(shared, name)
    ):
        yield warning(
            "remote",
            f"{name} is not in the last commit as it is in {CONFIG}: a clone finds no data, and "
            f"`dvc exp push` of an experiment that begins with that commit may send none. "
            f"`git add {CONFIG}` and commit it before the next `dvc exp run`",
        )


def _before_it(name: str) -> Iterator[Finding]:
    """Experiments whose own commit names no remote: `dvc exp push` says Pushed, and sends no
    data."""
    refs = _git("for-each-ref", "--format=%(refname)", EXPERIMENTS).split()
    early = [
        ref.rpartition("/")[2]
        for ref in refs
        if "/exec/" not in ref
        and not _sections(_git("show", f"{ref}:./{CONFIG}")).get("core", {}).get("remote")
    ]
    if early:
        yield warning(
            "remote",
            f"made before {name} was committed: {some(sorted(early))}. `dvc exp push` of "
            "these says Pushed and sends no data: `dvc exp apply <name>`, "
            f"`git checkout {CONFIG}`, `dvc push`",
        )


def _address(name: str, address: str) -> Iterator[Finding]:
    scheme, found, _ = address.partition("://")
    if not found:
        if not Path(address).is_absolute():
            yield warning(
                "remote",
                f"{name}: {address} is relative, which `dvc exp push` takes from the root of the "
                "disk; give the whole path",
            )
        return
    plugin = PLUGINS.get(scheme)
    if plugin and find_spec(plugin) is None:
        yield missing("remote", f"{name}: {scheme} needs a package: `make venv EXTRAS={scheme}`")


def _secrets(name: str, keys: dict[str, str]) -> Iterator[Finding]:
    written = [key for key in keys if key.endswith(SECRETS)]
    if written:
        yield warning(
            "remote",
            f"{name}: {', '.join(written)} in {CONFIG}, which git hands on; "
            f"`dvc remote modify --local` writes them into {LOCAL}",
        )


def _remote(sections: dict[str, dict[str, str]], name: str) -> dict[str, str]:
    return sections.get(f'remote "{name}"', {})


def _sections(text: str) -> dict[str, dict[str, str]]:
    """DVC's configuration by section; {} where it cannot be read, which DVC says itself."""
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except Error:
        return {}
    return {name.strip("'"): dict(parser[name]) for name in parser.sections()}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _git(*arguments: str) -> str:
    """What git prints; "" where it fails or is not there."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""
