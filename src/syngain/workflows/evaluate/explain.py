"""``syngain explain``: what a number or a finding of a report is, how it was computed, what would change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syngain.core.result import Result
from syngain.report.explain import Explanation, explained
from syngain.report.folder import load

if TYPE_CHECKING:
    from pathlib import Path


def explain(run: str | Path | Result, identifier: str = "verdict") -> Explanation:
    """Explain a number, a finding or the verdict of a run.

    Args:
        run: a run folder, its ``report.json``, or a result.
        identifier: id of an estimate or a finding, or ``verdict``.

    Returns:
        The explanation; ``.text()`` is what the command line prints, at most 15 lines.

    Raises:
        InputError: no run folder. UsageError: no such id; the nearest ones are named.
    """
    report: dict[str, Any] = run.as_json() if isinstance(run, Result) else load(run)
    return explained(report, identifier)
