"""Progress events: the library reports, the CLI draws."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with the name of the stage and the fraction of the whole job that is done, from 0 to 1."""


def silent(stage: str, done: float) -> None:
    """Report nothing."""


def part_of(progress: Progress, start: float, end: float) -> Progress:
    """The progress of a part of the job, which goes from ``start`` to ``end`` of the whole."""
    return lambda stage, done: progress(stage, start + done * (end - start))
