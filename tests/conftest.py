"""What tests of several parts share."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

OPEN = Image.open
PROJECT = Path(__file__).parents[1]


# Files that take long, in seconds. Others are guessed by their tests; only the order comes from it.
SECONDS = {
    "backends/test_every_backend.py": 90,
    "backends/test_exact_resume.py": 100,
    "backends/test_networks.py": 60,
    "backends/test_retinanet.py": 80,
    "backends/test_ultralytics.py": 120,
    "commands/test_data.py": 40,
    "commands/test_track.py": 40,
    "figures/test_figures.py": 80,
    "data/test_splitting.py": 10,
    "planning/test_fingerprint_of_package.py": 110,
    "test_bad_input.py": 60,
    "test_house.py": 20,
    "report/test_any_size.py": 150,
    "report/test_report.py": 80,
    "use/test_exporting.py": 80,
    "workflow/test_cases.py": 250,
    "workflow/test_chain.py": 160,
    "workflow/test_changed_images.py": 50,
    "workflow/test_classes.py": 110,
    "workflow/test_code_of_jobs.py": 80,
    "workflow/test_disturbed.py": 50,
    "workflow/test_dvc.py": 420,
    "workflow/test_edits.py": 100,
    "workflow/test_elsewhere.py": 120,
    "workflow/test_guard.py": 110,
    "workflow/test_interrupt.py": 110,
    "workflow/test_many_runs.py": 40,
    "workflow/test_project_folders.py": 60,
    "workflow/test_real.py": 130,
    "workflow/test_rerun.py": 120,
    "workflow/test_search.py": 130,
    "workflow/test_shipped_experiments.py": 60,
    "workflow/test_ways.py": 80,
}
SLURM = "tests/slurm/"


def pytest_configure() -> None:
    """Commands of tests heed Ctrl-C, though a script ignores it for what it starts by `&`."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)  # of those that are left by -m and -k
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """SLURM first, then long files before short ones: none is left to run alone in the end."""
    by_file: dict[str, list[pytest.Item]] = {}
    for item in items:
        by_file.setdefault(item.nodeid.partition("::")[0], []).append(item)
    names = sorted(by_file, key=lambda name: seconds(name, by_file[name]), reverse=True)
    items[:] = [item for name in names for item in by_file[name]]


def seconds(name: str, items: list[pytest.Item]) -> float:
    """How long the tests of a file may take."""
    if name.startswith(SLURM):
        return float("inf")
    slow = sum(item.get_closest_marker("slow") is not None for item in items)
    return SECONDS.get(name.removeprefix("tests/"), 5 * slow + len(items) / 10)


class LongFilesFirst(LoadFileScheduling):
    """Each file in one process, and all of SLURM in one: it mostly waits, so that the other
    processes have the cores meanwhile, and one cluster serves all of its tests."""

    def _split_scope(self, nodeid: str) -> str:
        return SLURM if nodeid.startswith(SLURM) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return LongFilesFirst(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; the test is skipped where there is none."""
    default = PROJECT.parent / "shared" / "data"
    folder = Path(os.environ.get("FAIRTRIAL_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data: FAIRTRIAL_TEST_DATA is not set and there is no {default}")
    return folder


@pytest.fixture(autouse=True)
def own_picture_reader() -> Iterator[None]:
    """Ultralytics, once imported, replaces Pillow's `open` for the whole process. In the product
    each stage is a process of its own; here the next test would read images with it."""
    yield
    Image.open = OPEN
