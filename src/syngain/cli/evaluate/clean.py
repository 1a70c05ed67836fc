"""``syngain clean REAL [SYNTHETIC]``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional

import typer

from syngain.cli import flags, settings
from syngain.cli.common import read_sets
from syngain.cli.job import Job

if TYPE_CHECKING:
    from syngain.cli.job import Inputs
    from syngain.core.progress import Progress
    from syngain.core.result import Result


def clean(
    context: typer.Context,
    real: flags.Real,
    synthetic: Optional[str] = typer.Argument(
        None, metavar="[SYNTHETIC]", help="Synthetic rows: clean these instead of the real rows."
    ),
    method: str = typer.Option("profile", help="Which rows to drop: profile, or confident (confident learning)."),
    test: Optional[str] = typer.Option(None, help="Real test rows (default: cross-validate on REAL)."),
    folds: int = typer.Option(5, min=2, help="Cross-validation folds of the real rows."),
    members: int = typer.Option(2, min=1, help="Repeated cross-fits of a profile."),
    rows: int = typer.Option(2_000, min=40, help="Most rows of a side that the gain is measured with."),
    output: Path = typer.Option(Path("syngain-clean"), "-o", "--output", help="Folder for the report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    encoder: flags.Encoder = "ngrams",
    text: flags.Text = None,
    encoding: flags.Encoding = None,
    label: flags.Label = None,
    target: flags.Target = None,
    source_id: flags.SourceId = None,
    id: flags.Id = None,
    json: flags.AsJson = False,
    force: flags.Force = False,
    resume: flags.KeepFinished = False,
    everything: flags.Everything = False,
    quiet: flags.Quiet = False,
) -> None:
    """Drop rows with wrong labels where that gains."""
    job = Job.of(context, config, settings.clean)

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.evaluate.clean import clean as verb

        made, test = data.get("synthetic"), data.get("test")
        return verb(data["real"], made, test=test, seed=job["seed"], progress=progress, **job.arguments)

    job.run(measure, inputs=lambda: read_sets(job.options))
