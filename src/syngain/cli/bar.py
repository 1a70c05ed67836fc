"""The bar on a terminal: stage, fraction of the job, time gone and time left. Loaded only where it is drawn."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Column
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syngain.core.progress import Progress

EARLY_SHARE, EARLY_SECONDS = 0.03, 2.0  # before, a remaining time would be a guess
SAYS = "left"


@dataclass
class Remaining:
    """Seconds left at the pace so far, counted down between two reports.

    A job reports a few dozen times, minutes apart at worst, so the mean pace since the start serves better than that
    of the last seconds, and the clock between two reports brings the time down.
    """

    clock: Callable[[], float] = time.monotonic
    done: float = 0.0
    start: float = field(init=False)
    said: float = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.said = self.clock()

    def update(self, done: float) -> None:
        """The fraction of the job that is done now. Less than before counts as nothing new."""
        if done > self.done:
            self.done, self.said = done, self.clock()

    def seconds(self) -> float | None:
        """How long it will take; None while it is too early to say, or when the pace broke down."""
        gone = self.said - self.start
        if self.done < EARLY_SHARE or gone < EARLY_SECONDS or self.done >= 1:
            return None
        left = gone * (1 - self.done) / self.done - (self.clock() - self.said)
        return left if left > 0 else None


def words(seconds: float | None) -> str:
    """``about 40 s left``, ``about 3 min left``, ``about 1 h 20 min left``; nothing where it is unknown."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"about {max(1, round(seconds / 5) * 5 if seconds >= 10 else round(seconds))} s {SAYS}"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min {SAYS}"
    return f"about {minutes // 60} h {minutes % 60} min {SAYS}"


@contextmanager
def drawn(console: Console | None = None) -> Iterator[Progress]:
    """A bar on stderr that disappears when the job is done."""
    remaining = Remaining()
    console = console or Console(stderr=True)
    stage = TextColumn(
        "{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
    )
    columns = (
        SpinnerColumn(),
        stage,
        BarColumn(bar_width=max(10, console.width // 5)),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        _Left(remaining),
    )
    with Bar(*columns, console=console, transient=True, expand=True) as bar:
        task = bar.add_task("starting", total=1.0)

        def report(name: str, done: float) -> None:
            remaining.update(done)
            bar.update(task, description=name, completed=done)

        yield report


class _Left(TextColumn):
    """The remaining time, refreshed by the bar itself."""

    def __init__(self, remaining: Remaining) -> None:
        super().__init__("{task.fields}")
        self.remaining = remaining

    def render(self, task: object) -> Text:  # noqa: ARG002  (rich's signature)
        """The words for now."""
        return Text(words(self.remaining.seconds()))
