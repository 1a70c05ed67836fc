"""``syngain information ROWS``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from syngain.cli import flags, settings
from syngain.cli.common import column_flags, encoding_of
from syngain.cli.job import Job
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from syngain.cli.job import Inputs
    from syngain.core.progress import Progress
    from syngain.core.result import Result


def information(
    context: typer.Context,
    rows: str = typer.Argument(..., metavar="ROWS", help=f"Run folder of `syngain generate`, or {flags.FILES}."),
    real: Optional[str] = typer.Option(None, help="Your real rows; adds novelty, divergence and gain."),
    dropped: Optional[str] = typer.Option(None, help="Rows dropped by curation, where ROWS is not a run folder."),
    generator: Optional[str] = typer.Option(
        None,
        help="Scores outputs under other prompts: toy (fitted on --real), smollm2, a folder, a hub name, the address "
        "of an OpenAI-compatible server, or a recipe (its generator).",
    ),
    model: Optional[str] = typer.Option(None, help="Model at that URL (default: the only one listed)."),
    key_env: str = typer.Option("OPENAI_API_KEY", help="Environment variable with the API key."),
    api: str = typer.Option("chat", help="chat, or completions for base models."),
    meaning: Optional[str] = typer.Option(None, help="Column with the meaning of a row (default: the label)."),
    encoder: Optional[str] = typer.Option(
        None,
        help="Cluster of --real as meaning, by this encoder: ngrams, minilm, MODEL@URL ...",
    ),
    vocabulary: Optional[int] = typer.Option(None, min=2, help="Vocabulary size of the generator, for top-k."),
    prompts: int = typer.Option(16, min=2, help="Prompts per strategy to cross-score."),
    samples: int = typer.Option(16, min=1, help="Outputs per prompt to cross-score."),
    gain: bool = typer.Option(True, "--gain/--no-gain", help="With --real: estimate gain and divergence."),
    output: Path = typer.Option(Path("syngain-information"), "-o", "--output", help="Folder for the report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    text: flags.Text = None,
    label: flags.Label = None,
    encoding: flags.Encoding = None,
    source_id: flags.SourceId = None,
    id: flags.Id = None,
    json: flags.AsJson = False,
    force: flags.Force = False,
    everything: flags.Everything = False,
    quiet: flags.Quiet = False,
) -> None:
    """Attribute entropy to prompt, model and filtering."""
    job = Job.of(context, config, settings.information)

    def measure(_: Inputs, progress: Progress) -> Result:
        from syngain.data import RoleOptions, read
        from syngain.workflows.generate.information import information as verb

        if (table := _table_sets(job)) is not None:
            return verb(job["rows"], **table, seed=job["seed"], progress=progress, **job.arguments)
        columns = column_flags({**job.options, "generator": None})
        roles, encoding = RoleOptions.parse(columns, "real"), encoding_of(job.options, "real")
        anchors = None if job["real"] is None else read(job["real"], roles=roles, encoding=encoding)
        roles, scorer = RoleOptions.parse(columns, "synthetic"), settings.scorer(job.options, anchors, progress)
        rows, encoding = job["rows"], encoding_of(job.options, "synthetic")
        if encoding is not None and not Path(rows).is_dir():
            rows = read(rows, roles=roles, encoding=encoding)
        sets = {"dropped": job["dropped"], "real": anchors}
        return verb(rows, **sets, scorer=scorer, roles=roles, seed=job["seed"], progress=progress, **job.arguments)

    job.run(measure)


def _table_sets(job: Job) -> dict[str, Any] | None:
    """The sets of a generated table; None for texts.

    Raises:
        UsageError: a scorer, which a table does not need.
    """
    from syngain.tables.cells.source import TableSource
    from syngain.workflows.generate.table_information import is_table_run

    if not is_table_run(job["rows"]):
        return None
    if job["generator"] is not None:
        raise UsageError(
            "--generator for rows of a table",
            expected="no scorer: the cell model is fitted to --real again",
            todo="leave out --generator",
        )
    real = None if job["real"] is None else TableSource.read(job["real"], encoding_of(job.options, "real"))
    return {"real": real, "dropped": job["dropped"]}
