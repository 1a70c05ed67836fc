"""``syngain loop REAL``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional

import typer

from syngain.cli import flags, settings
from syngain.cli.common import encoding_of
from syngain.cli.job import Job

if TYPE_CHECKING:
    from syngain.cli.job import Inputs
    from syngain.core.progress import Progress
    from syngain.core.result import Result


def loop(
    context: typer.Context,
    real: str = typer.Argument(..., metavar="REAL", help=f"Real texts: {flags.FILES}."),
    held_out: Optional[str] = typer.Option(None, help="Real rows kept out of training (default: half of REAL)."),
    generations: int = typer.Option(5, min=2, help="Number of generations."),
    real_share: str = typer.Option("0,0.2,0.5", help="Fractions of real rows per training set, ascending."),
    rows: int = typer.Option(500, min=20, help="Maximum real rows used."),
    n_repeats: int = typer.Option(5, min=2, help="Number of repetitions."),
    output: Path = typer.Option(Path("syngain-loop"), "-o", "--output", help="Folder for the report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    text: Optional[str] = typer.Option(None, help="Text column; of prompt+response, only the response is modeled."),
    encoding: flags.Encoding = None,
    json: flags.AsJson = False,
    force: flags.Force = False,
    resume: flags.KeepFinished = False,
    everything: flags.Everything = False,
    quiet: flags.Quiet = False,
) -> None:
    """Simulate model collapse under recursive training."""
    job = Job.of(context, config, settings.loop)

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.research.loop import loop as verb

        held = data.get("holdout")
        return verb(data["real"], held_out=held, seed=job["seed"], progress=progress, **job.arguments)

    job.run(measure, inputs=lambda: _read(job))


def _read(job: Job) -> Inputs:
    from syngain.data import RoleOptions, read

    roles = RoleOptions.parse({"text": job["text"], "label": "none"}, "real")
    data = {"real": read(job["real"], roles=roles, encoding=encoding_of(job.options, "real"))}
    if job["held_out"] is not None:
        encoding = encoding_of(job.options, "pool")
        data["holdout"] = read(job["held_out"], roles=roles, like=data["real"], encoding=encoding)
    return data
