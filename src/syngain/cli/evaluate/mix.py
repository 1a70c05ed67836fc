"""``syngain mix REAL A B ...`` and ``syngain mix --runs MIXTURES --losses LOSSES --loss COLUMN``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional

import typer

from syngain.cli import flags, settings
from syngain.cli.common import configured, names, read_named
from syngain.cli.job import Job
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from syngain.cli.job import Inputs
    from syngain.core.progress import Progress
    from syngain.core.result import Result


def mix(
    context: typer.Context,
    real: Optional[str] = typer.Argument(None, metavar="REAL", help=f"Your real rows: {flags.FILES}."),
    sets: Optional[list[str]] = typer.Argument(None, metavar="A B ...", help="Datasets to mix in: FILE or NAME=FILE."),
    runs: Optional[str] = typer.Option(None, help="Table of mixtures, one row per run, instead of data."),
    losses: Optional[str] = typer.Option(None, help="With --runs: table of losses, in the same order."),
    loss: Optional[str] = typer.Option(None, help="With --runs: column of --losses to minimize."),
    test_runs: Optional[str] = typer.Option(None, help="With --runs: more mixtures, to test the prediction."),
    test_losses: Optional[str] = typer.Option(None, help="With --test-runs: their losses."),
    rows: int = typer.Option(2000, min=20, help="Maximum rows per proxy run."),
    with_defects: bool = typer.Option(False, "--with-defects", help="Give weight to datasets with high findings too."),
    output: Path = typer.Option(Path("syngain-mix"), "-o", "--output", help="Folder for the report and the recipes."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    encoder: flags.Encoder = "ngrams",
    text: flags.Text = None,
    encoding: flags.Encoding = None,
    label: flags.Label = None,
    target: flags.Target = None,
    source_id: flags.SourceId = None,
    json: flags.AsJson = False,
    force: flags.Force = False,
    resume: flags.Resume = False,
    everything: flags.Everything = False,
    quiet: flags.Quiet = False,
) -> None:
    """Find mixture weights for several datasets."""
    table = configured(context, config)["runs"] is not None
    job = Job.of(context, config, None if table else settings.mix)
    if table == (job["real"] is not None):
        raise UsageError(
            "neither or both of REAL and --runs",
            expected="syngain mix REAL A B, or --runs TABLE",
            todo="run `syngain mix --help`",
        )
    if table and (job["losses"] is None or job["loss"] is None):
        raise UsageError(
            "--runs alone", expected="--losses TABLE and --loss COLUMN too", todo="add --losses TABLE --loss COLUMN"
        )
    if table:
        job.run(lambda _, progress: _from_table(job, progress))
        return
    named = names(job["sets"] or [], least=1)

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.evaluate.mix import mix as verb

        work = {"folder": job.work, "resume": job["resume"]}
        sets = {name: data[name] for name in named}
        return verb(data["real"], sets, **work, seed=job["seed"], progress=progress, **job.arguments)

    job.run(measure, inputs=lambda: read_named(job.options, named))


def _from_table(job: Job, progress: Progress) -> Result:
    from syngain.workflows.evaluate.mix import mix_runs

    tests = {"test_mixtures": job["test_runs"], "test_losses": job["test_losses"]}
    return mix_runs(job["runs"], job["losses"], job["loss"], **tests, seed=job["seed"], progress=progress)
