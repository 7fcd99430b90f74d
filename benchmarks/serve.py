"""`fairtrial serve` under load: many clients, one after the other image each, for a minute.

    python benchmarks/serve.py MODEL [--clients 50] [--seconds 60] [--image photo.jpg] [FLAG...]

MODEL and flags are those of `fairtrial serve`. It serves and asks on loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np
import psutil
from PIL import Image

ROOT = Path(__file__).parents[1]


def photo() -> bytes:
    """A JPEG of 640×480 pixels."""
    grain = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(grain).resize((640, 480), Image.Resampling.BICUBIC).save(file, "JPEG")
    return file.getvalue()


async def ask(
    client: httpx.AsyncClient, body: bytes, end: float, seen: list[float]
) -> Counter[str]:
    """Send the image again and again; how often which status came."""
    statuses: Counter[str] = Counter()
    while time.monotonic() < end:
        start = time.monotonic()
        try:
            headers = {"Content-Type": "image/jpeg"}
            answer = await client.post("/detect", content=body, headers=headers)
            statuses[str(answer.status_code)] += 1
        except httpx.HTTPError as error:
            statuses[type(error).__name__] += 1
        seen.append(time.monotonic() - start)
    return statuses


async def load(
    address: str, clients: int, seconds: float, body: bytes, server: psutil.Process
) -> None:
    """Ask by many clients at once, and tell how it went."""
    seen: list[float] = []
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(
        base_url=address, timeout=60, limits=limits, trust_env=False
    ) as client:
        await client.post("/detect", content=body, headers={"Content-Type": "image/jpeg"})
        before, end = sum(server.cpu_times()[:2]), time.monotonic() + seconds
        answers = await asyncio.gather(*(ask(client, body, end, seen) for _ in range(clients)))
    spent = (sum(server.cpu_times()[:2]) - before) / len(seen)
    statuses = sum(answers, Counter())
    cuts = statistics.quantiles(seen, n=100)
    shown = ", ".join(f"p{n} {1000 * cuts[n - 1]:.0f} ms" for n in (50, 95, 99))
    print(f"{len(seen)} answers {dict(statuses)}, {len(seen) / seconds:.1f} a second; {shown}")
    print(f"{1000 * spent:.0f} ms of a processor an image")


def main() -> None:
    """Start a server, and ask it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--image", type=Path)
    options, flags = parser.parse_known_args()
    call = [sys.executable, "-m", "fairtrial", "serve", options.model, "--port", "0", *flags]
    environment = {"PYTHONPATH": str(ROOT / "workflow"), "PATH": "/usr/bin:/bin"}
    server = subprocess.Popen(call, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().rpartition(" ")[2].strip()
        body = options.image.read_bytes() if options.image else photo()
        asyncio.run(
            load(address, options.clients, options.seconds, body, psutil.Process(server.pid))
        )
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
