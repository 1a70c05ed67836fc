"""``syngain ggmi REAL SYNTHETIC``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional

import typer

from syngain.cli import flags, settings
from syngain.cli.common import read_sets, refuse
from syngain.cli.job import Job

if TYPE_CHECKING:
    from syngain.cli.job import Inputs
    from syngain.core.progress import Progress
    from syngain.core.result import Result


def ggmi(
    context: typer.Context,
    real: flags.Real,
    synthetic: flags.Synthetic,
    test: Optional[str] = typer.Option(None, help="Real test rows for the gain."),
    pairs: int = typer.Option(100, min=10, help="Maximum pairs per supersample."),
    masks: int = typer.Option(20, min=4, help="Train/test masks per supersample."),
    n_repeats: int = typer.Option(6, min=2, help="Supersamples per dataset."),
    model: Optional[str] = typer.Option(None, help="Use a language model: smollm2, a folder or a hub name."),
    steps: int = typer.Option(20, min=1, help="With --model: optimizer steps per fit."),
    loss: flags.LossTokensFlag = "completion",
    gain: bool = typer.Option(True, "--gain/--no-gain", help="Also estimate the gain (quick setting)."),
    output: Path = typer.Option(Path("syngain-ggmi"), "-o", "--output", help="Folder for the report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    encoder: flags.Encoder = "ngrams",
    text: flags.Text = None,
    encoding: flags.Encoding = None,
    label: flags.Label = None,
    source_id: flags.SourceId = None,
    generator: flags.GeneratorColumn = None,
    id: flags.Id = None,
    json: flags.AsJson = False,
    force: flags.Force = False,
    resume: flags.Resume = False,
    everything: flags.Everything = False,
    quiet: flags.Quiet = False,
) -> None:
    """Estimate memorization and GGMI.

    GGMI: generalization gain via mutual information.
    """
    job = Job.of(context, config, settings.ggmi)
    if job["model"] is None:
        refuse(context, {"steps", "loss"}, "without --model")

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.research.ggmi import ggmi as verb

        test, work = data.get("test"), {"folder": job.work, "resume": job["resume"]}
        return verb(
            data["real"], data["synthetic"], test=test, **work, seed=job["seed"], progress=progress, **job.arguments
        )

    job.run(measure, inputs=lambda: read_sets(job.options))
