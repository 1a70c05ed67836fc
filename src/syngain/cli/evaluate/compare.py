"""``syngain compare REAL A B ...``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional, cast

import typer

from syngain.cli import flags, settings
from syngain.cli.common import names, read_named, read_table, refuse
from syngain.cli.job import Job
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from syngain.cli.job import Inputs
    from syngain.core.progress import Progress
    from syngain.core.result import Result

DATASETS = (
    "sets",
    "test",
    "metric",
    "class_weights",
    "lengths",
    "proxy",
    "model",
    "minutes",
    "no_measures",
    "encoder",
    "text",
    "target",
    "source_id",
    "generator",
    "id",
)


def compare(
    context: typer.Context,
    real: flags.Real,
    sets: Optional[list[str]] = typer.Argument(
        None, metavar="[A B ...]", help="Datasets to compare: FILE or NAME=FILE."
    ),
    balance: bool = typer.Option(False, "--balance", help="Compare ways to balance the classes of the table REAL."),
    test: Optional[str] = typer.Option(None, help="Real test rows (default: cross-validate on REAL)."),
    prior: Optional[str] = typer.Option(
        None, help="Class fractions to score at, with --balance: even, or a=.2,b=.8 (default: REAL's)."
    ),
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
    """Rank datasets of equal size, or balances of classes."""
    job = Job.of(context, config, _settings)
    if job["balance"]:
        refuse(context, DATASETS, "with --balance")
        _balance(job)
        return
    named = names(job["sets"] or [])

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.evaluate.compare import compare as verb

        sets = {name: data[name] for name in named}
        return verb(data["real"], sets, test=data.get("test"), seed=job["seed"], progress=progress, **job.arguments)

    job.run(measure, inputs=lambda: read_named(job.options, named))


def _settings(options: settings.Options) -> settings.Arguments:
    """What the verb takes: that of datasets, or that of balancing."""
    if not options["balance"]:
        if options["prior"] is not None:
            raise UsageError("--prior without --balance", expected="--balance", todo="leave --prior out")
        return settings.compare(options)
    from syngain.data.columns.options import for_side
    from syngain.tables.balance.settings import BalanceSettings

    label = for_side("label", options["label"], "real")
    if label is None:
        raise UsageError("--balance without --label", expected="the column of classes", todo="add --label COLUMN")
    prior = options["prior"]
    fractions = settings.class_fractions(None if prior == "even" else prior) or ("even" if prior else "real")
    return {"settings": BalanceSettings(repeats=options["n_repeats"], prior=fractions), "label": label}


def _balance(job: Job) -> None:
    """Compare ways to balance the classes of a table."""

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.evaluate.balance import balance as verb

        return verb(data["real"], seed=job["seed"], progress=progress, **job.arguments)

    job.run(measure, inputs=lambda: cast("Inputs", read_table(job.options)))
