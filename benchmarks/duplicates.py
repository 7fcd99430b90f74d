"""Finding the duplicates of a large source: 118,000 looks, of which 2,000 are copies.

    python benchmarks/duplicates.py [--images 118000] [--frames 5000]

Printed: seconds for the whole search and for the hashes and candidates in it, the copies found
of those that were put in, and the most memory used. Then the same for frames of one scene, which
is the worst case: nearly every pair is a candidate.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "workflow"))

from fairtrial.data import duplicates  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=118_000)
    parser.add_argument("--copies", type=int, default=2_000)
    parser.add_argument("--frames", type=int, default=5_000)
    asked = parser.parse_args()
    rng = np.random.default_rng(0)
    pixels = pictures(rng, asked.images)
    originals, copies = rng.permutation(asked.images)[: 2 * asked.copies].reshape(2, -1)
    saved_anew = pixels[originals].astype(int) + rng.integers(-1, 2, (asked.copies, 32, 32))
    pixels[copies] = saved_anew.clip(0, 255)
    show(f"{asked.images} images", pixels)
    scene = pictures(rng, 1).repeat(asked.frames, axis=0).astype(int)
    scene += np.kron(rng.integers(-9, 10, (asked.frames, 8, 8)), np.ones((4, 4), int))
    show(f"{asked.frames} frames of one scene", scene.clip(0, 255).astype(np.uint8))


def pictures(rng: np.random.Generator, count: int) -> duplicates.Pixels:
    """Unlike pictures of 8 × 8 grey squares each; count × 32 × 32."""
    squares = rng.normal(128, 40, (count, 8, 8)).clip(0, 255).astype(np.uint8)
    return squares.repeat(4, axis=1).repeat(4, axis=2)


def show(what: str, pixels: duplicates.Pixels) -> None:
    looks = {f"{number:06}.jpg": picture.tobytes() for number, picture in enumerate(pixels)}
    contents = {file: file for file in looks}
    start = time.perf_counter()
    found = duplicates.find(contents, looks)
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    start = time.perf_counter()
    hashes = duplicates.hashes(pixels)
    pairs = sum(len(a) for a, _ in duplicates.candidates(hashes))
    search = time.perf_counter() - start
    print(
        f"{what}: {seconds:.1f} s, of which {search:.1f} s for hashes and {pairs} candidates; "
        f"{len(found['near'])} near clusters, {len(found['doubtful'])} doubtful pairs; "
        f"{memory:.2f} GB"
    )


if __name__ == "__main__":
    main()
