"""``syngain audit REAL SYNTHETIC``."""

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


def audit(
    context: typer.Context,
    real: flags.Real,
    synthetic: flags.Synthetic,
    test: Optional[str] = typer.Option(None, help="Test rows; find those that appear in SYNTHETIC."),
    held_out: flags.HeldOut = None,
    benchmarks: Optional[Path] = typer.Option(None, help="Folder of benchmark files; find items in SYNTHETIC."),
    rules: Optional[Path] = typer.Option(None, help="YAML list of rules of the columns, such as: start <= end."),
    table: Optional[list[str]] = typer.Option(
        None, metavar="NAME=FILE", help="Another file that rows point at; checks foreign keys. Repeatable."
    ),
    proxy: flags.Proxy = "auto",
    model: flags.FrozenModel = "smollm2",
    minutes: Optional[float] = typer.Option(
        None, min=1.0, help="Time on two cores for a language model's gain (default 5)."
    ),
    no_gain: bool = typer.Option(False, "--no-gain", help="Skip the gain, which takes most of the time."),
    output: Path = typer.Option(Path("syngain-audit"), "-o", "--output", help="Folder for the report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    sample: int = typer.Option(1000, min=20, help="Sampled rows per side for measures that compare all pairs."),
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
    """Find defects, list rows to drop, estimate the gain."""
    job = Job.of(context, config, settings.audit)

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.evaluate.audit import audit as verb

        return verb(
            data["real"],
            data["synthetic"],
            test=data.get("test"),
            held_out=data.get("pool"),
            seed=job["seed"],
            progress=progress,
            **job.arguments,
        )

    job.run(measure, inputs=lambda: read_sets(job.options))
