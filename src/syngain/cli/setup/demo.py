"""``syngain demo``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from syngain.cli import flags
from syngain.cli.job import Job

if TYPE_CHECKING:
    from syngain.cli.job import Inputs
    from syngain.core.progress import Progress
    from syngain.core.result import Result


def demo(
    context: typer.Context,
    seed: int = typer.Option(1, min=0, help="Random seed; selects the planted defects."),
    output: Path = typer.Option(Path("syngain-demo"), "-o", "--output", help="Folder for the report."),
    json: flags.AsJson = False,
    force: flags.Force = False,
    everything: flags.Everything = False,
    quiet: flags.Quiet = False,
) -> None:
    """Audit built-in data with planted defects."""
    job = Job.of(context, None)
    found: list[Result] = []

    def measure(_: Inputs, progress: Progress) -> Result:
        from syngain.workflows.research.demo import demo as verb

        found.append(verb(seed=job["seed"], progress=progress))
        return found[0]

    job.run(measure, introduce=lambda: _introduction(job["seed"]))
    from syngain.workflows.research.demo import missed

    names = missed(found[0], job["seed"])
    if names:
        print(f"not found by the report: {', '.join(names)}", file=sys.stderr)


def _introduction(seed: int) -> str:
    from syngain.workflows.research.demo import planted

    return "\n".join(
        [
            "Real rows: summary lines of Python's own documentation, labeled by topic.",
            "Synthetic rows: the package's own toy generator, fitted on them, with these defects planted:",
            *(f"  {name}: {words}" for name, words in planted(seed).items()),
            "",
        ]
    )
