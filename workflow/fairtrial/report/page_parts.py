"""What the pages have in common: templates, scripts, packed data, and the policy of their heads.

Text of people (titles, class names, files) reaches a page through Jinja, which escapes it, or as
packed data, of which scripts make text nodes; it never is source. A policy in the page's head
allows no other script than the page's own, by their SHA-256, and no request at all.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from functools import cache
from pathlib import Path

import jinja2

PAGE = Path(__file__).with_name("page")


def as_json(value: object) -> bytes:
    """A value as a script of the page reads it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def packed(content: bytes) -> str:
    """Compressed, as text that can stand anywhere in HTML."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


@cache
def template(name: str) -> jinja2.Template:
    """A template of page/."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def style() -> str:
    """The style sheet."""
    return (PAGE / "page.css").read_text(encoding="utf-8")


def script(kind: str) -> str:
    """The scripts of all pages and those of one, `report` or `data`, as one module, in the order of
    their names."""
    scripts = PAGE / "scripts"
    files = [*scripts.glob("*.js"), *(scripts / kind).glob("*.js")]
    ordered = sorted(files, key=lambda path: path.name)
    return "\n" + "\n".join(path.read_text(encoding="utf-8") for path in ordered)


def policy(*scripts: bytes, compiles: bool = False) -> str:
    """The Content-Security-Policy: these scripts, no request. `compiles`: parallel coordinates are
    drawn by a part of plotly.js that compiles functions."""
    sums = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{total}'" for total in sums)
    evaluated = " 'unsafe-eval'" if compiles else ""
    return (
        "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; "
        f"script-src {allowed}{evaluated}; base-uri 'none'; form-action 'none'"
    )
