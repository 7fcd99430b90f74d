"""How many copies of pictures are found, how many pairs falsely, and how fast.

    python benchmarks/duplicates.py [--images 118000] [--frames 5000]
    python benchmarks/duplicates.py --data ../shared/data [--every 1] [--largest 4]

The first searches among 118,000 drawn pictures, of which 2,000 are copies, then among frames of one
scene, which is the worst case: nearly every pair is a candidate. Printed: seconds for the whole
search and for the hashes and candidates in it, the copies found of those that were put in, and the
most memory used.

The second changes every photograph below the folder in many ways, as files that `convert` cleans,
and prints for each change how many of the changed pictures are found as copies of the original
among all originals, as a row of Markdown; then, with all of them at once, how many pairs of one
picture and of two pictures are found. `--every 4` takes each fourth photograph.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "workflow"))

from fairtrial.data import duplicate_search, imagefile, picture_hashes  # noqa: E402
from fairtrial.data.defect_actions import Actions  # noqa: E402

Thumbnails = dict[str, bytes]  # by name
R, T = Image.Resampling, Image.Transpose


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=118_000)
    parser.add_argument("--copies", type=int, default=2_000)
    parser.add_argument("--frames", type=int, default=5_000)
    parser.add_argument("--data", type=Path, help="folder of photographs to change and find again")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--largest", type=float, default=4.0, help="of the sizes")
    asked = parser.parse_args()
    if asked.data:
        show_found(asked.data, asked.every, asked.largest)
        return
    rng = np.random.default_rng(0)
    pixels = pictures(rng, asked.images)
    originals, copies = rng.permutation(asked.images)[: 2 * asked.copies].reshape(2, -1)
    saved_anew = pixels[originals].astype(int) + rng.integers(-1, 2, (asked.copies, 32, 32))
    pixels[copies] = saved_anew.clip(0, 255)
    show_speed(f"{asked.images} images", pixels)
    scene = pictures(rng, 1).repeat(asked.frames, axis=0).astype(int)
    scene += np.kron(rng.integers(-9, 10, (asked.frames, 8, 8)), np.ones((4, 4), int))
    show_speed(f"{asked.frames} frames of one scene", scene.clip(0, 255).astype(np.uint8))


def pictures(rng: np.random.Generator, count: int) -> picture_hashes.Pixels:
    """Unlike pictures of 8 × 8 grey squares each; count × 32 × 32."""
    squares = rng.normal(128, 40, (count, 8, 8)).clip(0, 255).astype(np.uint8)
    return squares.repeat(4, axis=1).repeat(4, axis=2)


def show_speed(what: str, pixels: picture_hashes.Pixels) -> None:
    looks = {f"{number:06}.jpg": picture.tobytes() for number, picture in enumerate(pixels)}
    contents = {file: file for file in looks}
    start = time.perf_counter()
    found = duplicate_search.find_duplicates(contents, looks)
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    start = time.perf_counter()
    hashes = picture_hashes.hashes(pixels)
    most = duplicate_search.MOST_BITS
    pairs = sum(len(a) for a, _ in picture_hashes.candidates(hashes, most))
    search = time.perf_counter() - start
    print(
        f"{what}: {seconds:.1f} s, of which {search:.1f} s for hashes and {pairs} candidates as "
        f"they are; {len(found.near)} near clusters, {len(found.doubtful)} doubtful pairs; "
        f"{memory:.2f} GB"
    )


Change = Callable[[Image.Image], Image.Image]


def changes(largest: float) -> dict[str, tuple[Change, str, int | None]]:
    """What is done to a photograph, the type of file, and its quality."""

    def scaled(by: float) -> Change:
        return lambda image: image.resize(
            (round(image.width * by), round(image.height * by)), R.BICUBIC
        )

    def turned(how: T, by: float = 0.75) -> Change:
        return lambda image: scaled(by)(image.transpose(how))

    same: Change = lambda image: image  # noqa: E731
    made: dict[str, tuple[Change, str, int | None]] = {"PNG": (same, "PNG", None)}
    made |= {f"JPEG {quality}": (same, "JPEG", quality) for quality in (50, 75, 95)}
    made |= {f"WebP {quality}": (same, "WEBP", quality) for quality in (50, 80)}
    for by in (0.25, 0.5, 0.75, 0.9):
        made[f"{by} of the size, PNG"] = (scaled(by), "PNG", None)
        made[f"{by} of the size, JPEG 50"] = (scaled(by), "JPEG", 50)
    for by in (0.25, 0.5, 0.75, 0.9, 1.5, 2.0, 4.0):
        if by <= largest:
            made[f"{by:g} of the size, JPEG 75"] = (scaled(by), "JPEG", 75)
    made["416×416, JPEG 90"] = (lambda image: image.resize((416, 416)), "JPEG", 90)
    made["480×360, JPEG 90"] = (lambda image: image.resize((480, 360)), "JPEG", 90)
    for how in T:
        made[f"{how.name.lower()}, 0.75 of the size, JPEG 75"] = (turned(how), "JPEG", 75)
    made["mirrored, half the size, WebP 80"] = (turned(T.FLIP_LEFT_RIGHT, 0.5), "WEBP", 80)
    return made


def show_found(folder: Path, every: int, largest: float) -> None:
    """Change every photograph, and print what is found again."""
    kinds = ("*.jpg", "*.png")
    files = sorted(
        file
        for place in ("bccd", "coco2017_tiny_json", "cadica_sample", "demo_images")
        for kind in kinds
        for file in (folder / place).rglob(kind)
    )[::every]
    made = changes(largest)
    looks: dict[str, Thumbnails] = {name: {} for name in ("original", *made)}
    with ThreadPoolExecutor(2) as pool:
        for number, of_file in enumerate(pool.map(lambda file: cleaned(file, made), files)):
            for name, thumbnail in of_file.items():
                looks[name][f"{number:04} {name}"] = thumbnail
    print(f"{len(files)} photographs\n\n| change | found | false pairs |\n|---|---|---|")
    for name in made:
        found, false = pairs_found(looks["original"] | looks[name])
        print(f"| {name} | {found / len(files):.2%} | {false} |", flush=True)
    together = {name: look for of_name in looks.values() for name, look in of_name.items()}
    found, false = pairs_found(together)
    true = len(files) * len(list(combinations(looks, 2)))
    print(f"| every two of all these | {found / true:.2%} of {true} | {false} |")


def cleaned(file: Path, made: dict[str, tuple[Change, str, int | None]]) -> Thumbnails:
    """The thumbnails that `convert` makes of a photograph and of its changed copies, by change."""
    looks = {}
    with tempfile.TemporaryDirectory(prefix="fairtrial-duplicates-") as place:
        folder = Path(place)
        for name, data in copies(file, made):
            (folder / "raw").write_bytes(data)
            checked = imagefile.clean_image(
                folder, "raw", hashlib.sha256(data).hexdigest(), folder / "clean", Actions()
            )
            looks[name] = checked.thumbnail
            for clean in (folder / "clean").glob("*"):
                clean.unlink()
    return looks


def copies(
    file: Path, made: dict[str, tuple[Change, str, int | None]]
) -> Iterator[tuple[str, bytes]]:
    """The bytes of a photograph's file, and of each changed copy."""
    import io

    yield "original", file.read_bytes()
    with Image.open(file) as opened:
        image = opened.convert("RGB")
    for name, (change, kind, quality) in made.items():
        written = io.BytesIO()
        options = {} if quality is None else {"quality": quality}
        change(image).save(written, kind, **options)
        yield name, written.getvalue()


def pairs_found(looks: Thumbnails) -> tuple[int, int]:
    """Pairs of one photograph and of two photographs in the near clusters that are found."""
    found = duplicate_search.find_duplicates({name: name for name in looks}, looks)
    true = false = 0
    for cluster in found.near:
        of = [name.partition(" ")[0] for name in cluster]
        one = sum(of.count(number) * (of.count(number) - 1) // 2 for number in set(of))
        true += one
        false += len(of) * (len(of) - 1) // 2 - one
    return true, false


if __name__ == "__main__":
    main()
