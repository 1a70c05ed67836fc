"""``syngain compare REAL A B ...``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional

import typer

from syngain.cli import flags, settings
from syngain.cli.common import names, read_named
from syngain.cli.job import Job

if TYPE_CHECKING:
    from syngain.cli.job import Inputs
    from syngain.core.progress import Progress
    from syngain.core.result import Result


def compare(
    context: typer.Context,
    real: flags.Real,
    sets: list[str] = typer.Argument(..., metavar="A B ...", help="Datasets to compare: FILE or NAME=FILE."),
    test: Optional[str] = typer.Option(None, help="Real test rows (default: cross-validate on REAL)."),
    metric: Optional[str] = typer.Option(None, help="Ranking metric: log_loss (default), accuracy, macro_f1."),
    class_weights: bool = typer.Option(
        True, "--class-weights/--no-class-weights", help="Weight each dataset to the class proportions of REAL."
    ),
    lengths: bool = typer.Option(False, "--match-lengths", help="Match row lengths across datasets."),
    n_repeats: int = typer.Option(3, min=1, help="Random draws from each dataset."),
    proxy: flags.Proxy = "auto",
    model: flags.FrozenModel = "smollm2",
    minutes: flags.Minutes = None,
    no_measures: bool = typer.Option(False, "--no-measures", help="Gains only; skip the audit of each dataset."),
    output: Path = typer.Option(Path("syngain-compare"), "-o", "--output", help="Folder for the report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    encoder: flags.Encoder = "ngrams",
    text: flags.Text = None,
    encoding: flags.Encoding = None,
    label: flags.Label = None,
    target: flags.Target = None,
    source_id: flags.SourceId = None,
    generator: flags.GeneratorColumn = None,
    id: flags.Id = None,
    json: flags.AsJson = False,
    force: flags.Force = False,
    resume: flags.KeepFinished = False,
    everything: flags.Everything = False,
    quiet: flags.Quiet = False,
) -> None:
    """Rank several datasets at equal size."""
    job = Job.of(context, config, settings.compare)
    named = names(job["sets"])

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.evaluate.compare import compare as verb

        sets = {name: data[name] for name in named}
        return verb(data["real"], sets, test=data.get("test"), seed=job["seed"], progress=progress, **job.arguments)

    job.run(measure, inputs=lambda: read_named(job.options, named))
