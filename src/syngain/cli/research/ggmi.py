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
    test: Optional[str] = typer.Option(None, help="Real rows on which the gain beside it is measured."),
    pairs: int = typer.Option(100, min=10, help="Most pairs of a supersample."),
    masks: int = typer.Option(20, min=4, help="Masks of each supersample."),
    n_repeats: int = typer.Option(6, min=2, help="Supersamples of each side."),
    model: Optional[str] = typer.Option(None, help="A language model as the learner: smollm2, a folder, a hub name."),
    steps: int = typer.Option(20, min=1, help="With --model: optimizer steps of every fit."),
    gain: bool = typer.Option(True, "--gain/--no-gain", help="Measure the gain beside it (the quick setting)."),
    output: Path = typer.Option(Path("syngain-ggmi"), "-o", "--output", help="Folder for the report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    encoder: flags.Encoder = "ngrams",
    text: flags.Text = None,
    label: flags.Label = None,
    source_id: flags.SourceId = None,
    generator: flags.GeneratorColumn = None,
    id: flags.Id = None,
    json: flags.AsJson = False,
    force: flags.Force = False,
    resume: flags.Resume = False,
    quiet: flags.Quiet = False,
) -> None:
    """How much learners give away of the rows they learned from: information, the gap it bounds, and GGMI."""
    job = Job.of(context, config, settings.ggmi)
    if job["model"] is None:
        refuse(context, {"steps"}, "without --model")

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.research.ggmi import ggmi as verb

        test, work = data.get("test"), {"folder": job.work, "resume": job["resume"]}
        return verb(
            data["real"], data["synthetic"], test=test, **work, seed=job["seed"], progress=progress, **job.arguments
        )

    job.run(measure, inputs=lambda: read_sets(job.options))
