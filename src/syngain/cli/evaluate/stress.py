"""``syngain stress REAL --label COLUMN``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional, cast

import typer

from syngain.cli import flags, settings
from syngain.cli.common import read_table
from syngain.cli.job import Job

if TYPE_CHECKING:
    from syngain.cli.job import Inputs
    from syngain.core.progress import Progress
    from syngain.core.result import Result


def stress(
    context: typer.Context,
    real: flags.Real,
    label: Optional[str] = typer.Option(None, help="Column that a classifier predicts; 2 to 50 classes."),
    rows: int = typer.Option(500, min=1, max=20_000, help="Rows of the tails to draw."),
    tail: float = typer.Option(0.05, min=0.001, max=0.5, help="The least likely fraction of the draws."),
    conditions: int = typer.Option(3, min=1, max=10, help="The most conditions of a rule."),
    splits: int = typer.Option(5, min=0, max=50, help="Splits that measure the gain; 0: no gain."),
    output: Path = typer.Option(Path("syngain-stress"), "-o", "--output", help="Folder for rows and report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    encoding: flags.Encoding = None,
    json: flags.AsJson = False,
    force: flags.Force = False,
    resume: flags.KeepFinished = False,
    everything: flags.Everything = False,
    quiet: flags.Quiet = False,
) -> None:
    """Find where a model of a table fails."""
    job = Job.of(context, config, settings.stress)

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.evaluate.stress import stress as verb

        return verb(data["real"], seed=job["seed"], progress=progress, **job.arguments)

    job.run(measure, inputs=lambda: cast("Inputs", read_table(job.options)))
