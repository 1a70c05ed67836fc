"""Progress events: the library reports them, the CLI shows them."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with the name of the stage and the completed fraction of the job, from 0 to 1."""


def silent(stage: str, done: float) -> None:
    """Report nothing."""


def part_of(progress: Progress, start: float, end: float) -> Progress:
    """Progress of a part of the job, from ``start`` to ``end`` of the whole."""
    return lambda stage, done: progress(stage, start + done * (end - start))
