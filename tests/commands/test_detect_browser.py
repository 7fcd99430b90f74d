"""A video of `detect` in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.browser import IN_A_BROWSER, chromium
from tests.use.films import film
from tests.use.tiny_model import write_onnx

from fairtrial.__main__ import main

pytestmark = IN_A_BROWSER

# Plays the whole video, and tells what was seen; or why it cannot be played.
PLAY = """() => new Promise(done => {
  const video = document.querySelector('video');
  video.muted = true;
  video.onerror = () => done({error: video.error.message});
  video.onended = () => done({
    size: [video.videoWidth, video.videoHeight],
    seconds: video.duration,
    frames: video.getVideoPlaybackQuality().totalVideoFrames,
  });
  video.src = 'seen.mp4';
  video.play();
})"""


def test_a_browser_plays_the_video_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An odd size, a variable rate, and sound."""
    monkeypatch.chdir(tmp_path)
    write_onnx(Path("model.onnx"), [[20, 24, 50, 40, 0.9, 1]])
    film(Path("in.mp4"), (0, 1, 2, 3, 6, 7, 9), size=(63, 47), sound="aac")
    assert main(["detect", "model.onnx", "in.mp4", "--to", "seen.mp4"]) == 0
    Path("page.html").write_text("<video></video>")
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto((tmp_path / "page.html").as_uri())
        seen = page.evaluate(PLAY)
    assert seen.get("error") is None
    assert seen["size"] == [64, 48]
    assert seen["seconds"] == pytest.approx(2.0, abs=0.25)
    assert seen["frames"] >= 1
