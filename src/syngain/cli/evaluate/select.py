"""``syngain select REAL SYNTHETIC``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional

import typer

from syngain.cli import flags, settings
from syngain.cli.common import configured, read_sets, refuse
from syngain.cli.job import Job
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from syngain.cli.job import Inputs
    from syngain.core.progress import Progress
    from syngain.core.result import Result

METHODS = (
    "faithful_then_diverse, facility_location, log_determinant, density_ratio, coverage, surprisal_band, "
    "log_probability, conditional_ratio, confidence, confident_then_diverse, easy, ambiguous, hard, random"
)
AGAIN = {"again", "rows", "output", "config", "json", "force", "quiet"}  # what says something with --again


def select(
    context: typer.Context,
    real: Optional[str] = typer.Argument(None, metavar="REAL", help=f"Your real rows: {flags.FILES}."),
    synthetic: Optional[str] = typer.Argument(None, metavar="SYNTHETIC", help=f"The synthetic rows: {flags.FILES}."),
    again: Optional[Path] = typer.Option(None, help="Cut a finished selection at --rows; reads no data."),
    method: str = typer.Option("faithful_then_diverse", help=f"Method: {METHODS}."),
    rows: Optional[int] = typer.Option(None, min=1, help="Rows to keep (default: --share of them)."),
    share: Optional[float] = typer.Option(None, help="Fraction of the rows to keep (default: .5)."),
    near_duplicates: str = typer.Option(
        "last", help="last: rank near-duplicates last; keep: as the method ranks them."
    ),
    test: Optional[str] = typer.Option(None, help="Real test rows (default: cross-validate on REAL)."),
    metric: Optional[str] = typer.Option(None, help="Verdict metric: log_loss, accuracy, macro_f1, nats_per_byte."),
    logprob: Optional[str] = typer.Option(None, help="Column of SYNTHETIC with log-probabilities."),
    model: Optional[str] = typer.Option(
        None, help="Language model for conditional_ratio and for --proxy frozen: smollm2, a folder or a hub name."
    ),
    proxy: flags.Proxy = "auto",
    minutes: flags.Minutes = None,
    folds: int = typer.Option(5, min=2, help="Cross-validation folds of the real rows."),
    output: Path = typer.Option(Path("syngain-select"), "-o", "--output", help="Folder for the report."),
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
    """Keep the best rows; compare with random selection."""
    cut = configured(context, config)["again"] is not None
    job = Job.of(context, config, None if cut else settings.select)
    if cut:
        if job["real"] is not None or job["rows"] is None:
            raise UsageError("--again with REAL, or without --rows", expected="--again RUN --rows N", todo="omit REAL")
        refuse(context, job.options.keys() - AGAIN, "with --again")
        from syngain.workflows.evaluate.reselect import reselect

        job.deliver(reselect(Path(job["again"]), job["rows"]))
        return

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.evaluate.select import select as verb

        test = data.get("test")
        return verb(data["real"], data["synthetic"], test=test, seed=job["seed"], progress=progress, **job.arguments)

    job.run(measure, inputs=lambda: read_sets(job.options))
