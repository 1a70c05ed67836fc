"""``syngain generate RECIPE --real REAL``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, cast

import typer

from syngain.cli import flags, settings
from syngain.cli.common import configured, encoding_of, refuse
from syngain.cli.common import given as was_given
from syngain.cli.generate.batch import run_batch
from syngain.cli.generate.preview import print_forecast, print_preview, print_recovered, real_rows
from syngain.cli.job import Job
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from syngain.cli.job import Inputs
    from syngain.core.progress import Progress
    from syngain.core.result import Result


def generate(
    context: typer.Context,
    recipe: flags.Recipe = None,
    real: Optional[str] = typer.Option(None, help=f"Your real rows: {flags.FILES}."),
    generator: flags.TableGenerator = None,
    rows: flags.RowsToDraw = None,
    balance: flags.Balance = False,
    given: flags.Given = None,
    temperature: flags.Temperature = 1.0,
    members: flags.Members = 1,
    check: flags.CheckModel = True,
    output: Path = typer.Option(Path("syngain-generate"), "-o", "--output", help="Folder for rows and report."),
    config: flags.Config = None,
    max_tokens: Optional[int] = typer.Option(None, min=1, help="Limit on tokens, prompts and responses together."),
    max_usd: Optional[float] = typer.Option(None, help="Limit in US dollars; needs --prices."),
    prices: Optional[Path] = typer.Option(None, help="YAML file `MODEL: {prompt: usd, completion: usd}` per million."),
    distrust_usage: bool = typer.Option(False, "--distrust-usage", help="Ignore an impossible usage."),
    stop_when: flags.StopWhen = None,
    preview: Optional[int] = typer.Option(None, min=1, help="Print the first N rows and stop; --resume continues."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Print requests and cost; send nothing."),
    batch: flags.Batch = None,
    batch_file: flags.BatchFile = None,
    seed: Optional[int] = typer.Option(None, min=0, help="Random seed (default: that of the recipe)."),
    text: Optional[str] = typer.Option(None, help="Text column of REAL; pairs: prompt+response."),
    label: Optional[str] = typer.Option(None, help="Label column of REAL; none: no labels."),
    id: flags.Id = None,
    encoding: flags.Encoding = None,
    json: flags.AsJson = False,
    force: bool = typer.Option(False, help="Replace a finished run; discard the responses of a stopped one."),
    resume: bool = typer.Option(False, help="Resume a stopped run; only requests then in flight are sent again."),
    recover: flags.Recover = None,
    everything: flags.Everything = False,
    quiet: flags.Quiet = False,
) -> None:
    """Generate rows from a recipe, or of a table."""
    options = configured(context, config)
    if options["recover"] is not None:
        print_recovered(options, options["output"] if was_given(context, "output") else None)
        return
    if _is_table(context, options):
        _generate_table(context, config)
        return
    if options["dry_run"]:
        print_forecast(options)
        return
    job = Job.of(context, config, settings.generate)
    if job["preview"] is not None:
        print_preview(job)
        return
    if job["batch"] is not None:
        run_batch(job)
        return

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.generate.generate import generate as verb

        work = {"work": job.work, "resume": job["resume"], "limits": settings.limits(job.options)}
        return verb(real=data["real"], **work, progress=progress, **job.arguments)

    job.run(measure, inputs=lambda: {"real": real_rows(job.options)})


TABLE = ("rows", "balance", "given", "temperature", "members", "check")
TEXTS = ("max_tokens", "max_usd", "prices", "distrust_usage", "stop_when", "preview", "dry_run", "batch", "batch_file")


def _is_table(context: typer.Context, options: dict[str, Any]) -> bool:
    """Whether rows of a table are asked for; flags of the other kind are refused."""
    from syngain.pipeline.table_recipe import table_recipe

    if options["recipe"] is None and options["generator"] is None:
        raise UsageError(
            "no RECIPE",
            expected="a YAML file, or a table of real rows",
            todo="syngain generate RECIPE --real REAL, or syngain generate --real REAL --generator cells --rows N",
        )
    table = options["recipe"] is None or table_recipe(options["recipe"]) is not None
    if options["recipe"] is not None:
        refuse(context, ("generator", *TABLE, *(["label"] if table else [])), "next to a RECIPE")
    if table:
        refuse(context, (*TEXTS, "text", "id"), "for rows of a table")
    return table


def _generate_table(context: typer.Context, config: Path | None) -> None:
    """Rows of a table."""
    job = Job.of(context, config, settings.generate)

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.generate.generate import generate as verb

        return verb(real=data["real"], progress=progress, recipe=job.arguments["recipe"])

    def real_table() -> Inputs:
        from syngain.tables.cells.source import TableSource

        return cast("Inputs", {"real": TableSource.read(str(job["real"]), encoding_of(job.options, "real"))})

    job.run(measure, inputs=real_table)
