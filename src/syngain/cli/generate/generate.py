"""``syngain generate RECIPE --real REAL``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional

import typer

from syngain.cli import flags, settings
from syngain.cli.common import configured
from syngain.cli.generate.preview import print_forecast, print_preview, real_rows
from syngain.cli.job import Job

if TYPE_CHECKING:
    from syngain.cli.job import Inputs
    from syngain.core.progress import Progress
    from syngain.core.result import Result


def generate(
    context: typer.Context,
    recipe: str = typer.Argument(..., metavar="RECIPE", help="A YAML file: generator, strategies, sampling, curate."),
    real: Optional[str] = typer.Option(None, help=f"Your real rows: {flags.FILES}."),
    output: Path = typer.Option(Path("syngain-generate"), "-o", "--output", help="Folder for the rows."),
    config: flags.Config = None,
    max_tokens: Optional[int] = typer.Option(None, min=1, help="Ceiling of tokens, prompts and answers together."),
    max_usd: Optional[float] = typer.Option(None, help="Ceiling of US dollars; needs --prices."),
    prices: Optional[Path] = typer.Option(None, help="YAML file `MODEL: {prompt: usd, completion: usd}` per million."),
    stop_when: Optional[str] = typer.Option(
        None,
        help="Ask no more once it is proven that the next rows add little: `diversity.new_fraction < 0.2`, "
        "`information.marginal < 2` (nats per row), `gain.log_loss@doubling < 0.01`, or several with and/or.",
    ),
    preview: Optional[int] = typer.Option(None, min=1, help="Print the first rows and stop; --resume goes on."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Print what would be asked and cost; send nothing."),
    seed: Optional[int] = typer.Option(None, min=0, help="Replaces the seed of the recipe."),
    text: Optional[str] = typer.Option(None, help="Text column of the real rows. Two sides: prompt+response."),
    label: Optional[str] = typer.Option(None, help="Label column of the real rows; none for no labels."),
    id: flags.Id = None,
    json: flags.AsJson = False,
    force: bool = typer.Option(False, help="Replace a finished run, and throw away the answers of a stopped one."),
    resume: bool = typer.Option(False, help="Go on with a stopped run; nothing that was answered is asked again."),
    quiet: flags.Quiet = False,
) -> None:
    """Run the chain from real rows to rows with a generator: resumable, within a budget, log-probabilities kept."""
    options = configured(context, config)
    if options["dry_run"]:
        print_forecast(options)
        return
    job = Job.of(context, config, settings.generate)
    if job["preview"] is not None:
        print_preview(job)
        return

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.generate.generate import generate as verb

        work = {"work": job.work, "resume": job["resume"], "limits": settings.limits(job.options)}
        return verb(real=data["real"], **work, progress=progress, **job.arguments)

    job.run(measure, inputs=lambda: {"real": real_rows(job.options)})
