"""Compile template, data and figures into one PDF with Typst.

Text from outside (titles, class names) reaches Typst as data, never as source: `#panic()` in a
title is printed literally. Fonts are those bundled with typst and
matplotlib, and files of the project.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import typst

TEMPLATE = Path(__file__).with_name("template")


def compile_pdf(
    content: Mapping[str, object],
    figures: Mapping[str, bytes],
    main: str = "main.typ",
    fonts: Sequence[str] = (),
) -> bytes:
    """The bytes of the PDF.

    `content`: plain data for JSON, as `content.content` makes it; `figures`: path → SVG, under the
    paths that `content` names; `main`: the file of the template with which it begins; `fonts`:
    files that are looked into for characters that the shipped fonts lack.
    """
    files = {p.relative_to(TEMPLATE).as_posix(): p.read_bytes() for p in TEMPLATE.rglob("*.typ")}
    sections = sorted(name for name in files if name.startswith("sections/"))
    data = json.dumps({**content, "sections": sections}, ensure_ascii=False, allow_nan=False)
    source = {"main": files.pop(main), **files, "data.json": data.encode(), **figures}
    with tempfile.TemporaryDirectory() as folder:
        for number, font in enumerate(fonts):  # typst takes folders, and all that is in them
            shutil.copyfile(font, Path(folder) / f"{number:03}{Path(font).suffix}")
        paths = [str(Path(mpl.get_data_path()) / "fonts" / "ttf"), folder]
        found = typst.Fonts(include_system_fonts=False, font_paths=paths)
        # The type stubs of typst lack this form of the input: path → content.
        return bytes(typst.compile(source, font_paths=found, ignore_system_fonts=True))  # type: ignore[call-overload]
