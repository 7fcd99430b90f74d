"""Characters that no font has, which figures and PDF draw as empty boxes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fairtrial.results.experiment import ExperimentResults

SHIPPED = "fonts/ttf/DejaVuSans.ttf"  # of matplotlib: figures and PDF have it
NAMED = 12  # characters at most


def missing_glyphs(texts: Iterable[str], fonts: Iterable[str]) -> list[str]:
    """The characters of the texts that neither the shipped fonts nor these files have, sorted."""
    import matplotlib as mpl
    from matplotlib.ft2font import FT2Font

    files = [str(Path(mpl.get_data_path()) / SHIPPED), *fonts]
    known = {code for file in files for code in FT2Font(file).get_charmap()}
    used = {character for text in texts for character in text if character.isprintable()}
    return sorted(character for character in used if ord(character) not in known)


def glyph_cautions(
    experiment: ExperimentResults, texts: Iterable[str], fonts: Iterable[str]
) -> list[str]:
    """A sentence on the characters that are missing in names of classes and configurations and in
    these texts."""
    classes = [name for d in experiment.datasets.values() for name in d.dataset.categories.values()]
    labels = [c.full_label for c in experiment.configurations]
    missing = missing_glyphs([*texts, *classes, *labels], fonts)
    if not missing:
        return []
    shown = " ".join(f"U+{ord(character):04X}" for character in missing[:NAMED])
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    return [
        f"No font has {len(missing)} of the characters in names and titles ({shown}{more}): "
        "figures and this file show boxes in their place. Name a font file that has them: "
        "report.fonts in params.yaml."
    ]
