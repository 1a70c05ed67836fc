"""``syngain gain REAL SYNTHETIC``."""

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


def gain(
    context: typer.Context,
    real: flags.Real,
    synthetic: flags.Synthetic,
    test: Optional[str] = typer.Option(None, help="Real test rows (default: forecast by cross-validation on REAL)."),
    held_out: flags.HeldOut = None,
    metric: Optional[str] = typer.Option(
        None, help="Verdict metric: log_loss (default), accuracy, macro_f1, nats_per_byte, rmse, entity_f1 ..."
    ),
    min_gain: float = typer.Option(0.01, help="Smallest gain that matters, in the unit of the metric."),
    test_rows: Optional[int] = typer.Option(
        None, min=10, help="Rows of the future test set (default: those of --test, or 500)."
    ),
    prior: Optional[str] = typer.Option(None, help="Class proportions at test time: spam=.2,ham=.8."),
    slice: Optional[str] = typer.Option(None, help="Report the gain per value of these columns of REAL: A,B."),
    proxy: str = typer.Option(
        "auto", help="Proxy model: auto, frozen (on a frozen --model; experimental), or lm (fine-tune --model)."
    ),
    model: flags.FrozenModel = "smollm2",
    minutes: Optional[float] = typer.Option(
        None, min=1.0, help="Time on two cores: 10 for frozen (rows are sampled), 30 for lm."
    ),
    output: Path = typer.Option(Path("syngain-gain"), "-o", "--output", help="Folder for the report."),
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
    resume: flags.Resume = False,
    everything: flags.Everything = False,
    quiet: flags.Quiet = False,
) -> None:
    """Estimate the gain and how many rows to use."""
    job = Job.of(context, config, settings.gain)
    if job["proxy"] == "auto":
        refuse(context, {"model", "minutes"}, "without --proxy frozen or lm")

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.evaluate.gain import gain as verb

        return verb(
            data["real"],
            data["synthetic"],
            test=data.get("test"),
            held_out=data.get("pool"),
            folder=job.work,
            resume=job["resume"],
            seed=job["seed"],
            progress=progress,
            **job.arguments,
        )

    job.run(measure, inputs=lambda: read_sets(job.options))
