"""The board on a terminal: a bar for each stage, and below a line for each training that runs."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from fairtrial.display.board import BegunJob, Board, StageCount
from fairtrial.display.trainings import running_lines
from fairtrial.files.text import counted

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

EVERY = 2.0  # seconds between two looks at the progress files


class Terminal:
    """Keeps the last lines of the terminal up to date; messages appear above them."""

    def __init__(self, board: Board) -> None:
        from rich.console import Console
        from rich.live import Live

        self._board = board
        self._console = Console(stderr=True, highlight=False)
        self._looked = 0.0
        self._running: dict[BegunJob, str] = {}
        self._live = Live(
            get_renderable=self.view,
            console=self._console,
            refresh_per_second=2,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
        )

    def start(self) -> None:
        """Show the board."""
        self._live.start()
        self._console.show_cursor(True)  # a driver that is killed would leave it hidden

    def begun(self, job: BegunJob) -> None:
        """The board shows it."""

    def ended(self, job: BegunJob) -> None:
        """The board shows it."""

    def message(self, text: str) -> None:
        """Write any text above the board."""
        print(text, file=sys.stderr, flush=True)

    def stop(self) -> None:
        """Take the board away."""
        self._live.stop()

    def view(self) -> Group:
        """The board as it is now."""
        from rich.console import Group
        from rich.text import Text

        under_way = self._board.under_way
        if time.monotonic() - self._looked > EVERY:
            self._running = running_lines(under_way)
            self._looked = time.monotonic()
        counts = self._board.counts
        room = max(1, self._console.height - len(counts) - 2)
        texts = [text for job, text in self._running.items() if job in under_way]
        if len(texts) > room:
            texts[room - 1 :] = [f"and {counted(len(texts) - room + 1, 'more training')}"]
        lines = (Text(f"  {text}", no_wrap=True, overflow="ellipsis") for text in texts)
        return Group(self._bars(counts), *lines)

    def _bars(self, counts: list[StageCount]) -> Table:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        table = Table.grid(padding=(0, 1))
        for count in counts:
            state = f"{count.done} of {count.planned}"
            if count.under_way:
                state += f", {count.under_way} under way"
            bar = ProgressBar(total=count.planned, completed=count.done, width=30)
            table.add_row(count.stage, bar, state)
        return table
