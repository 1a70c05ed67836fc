"""``syngain mix REAL A B ...`` and ``syngain mix --runs MIXTURES --losses LOSSES --loss COLUMN``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from syngain.cli import flags
from syngain.cli.common import configured, deliver, encoder_named, progress_shown
from syngain.cli.evaluate.compare import names
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.progress import Progress
    from syngain.workflows.evaluate.mix import Mixture


def mix(
    context: typer.Context,
    real: Optional[str] = typer.Argument(None, metavar="REAL", help=f"Your real rows, the anchors: {flags.FILES}."),
    sets: Optional[list[str]] = typer.Argument(None, metavar="A B ...", help="Sets to mix in: FILE, or NAME=FILE."),
    runs: Optional[str] = typer.Option(None, help="Instead of data: a table of mixtures, a row per run."),
    losses: Optional[str] = typer.Option(None, help="With --runs: the table of losses, runs in the same order."),
    loss: Optional[str] = typer.Option(None, help="With --runs: the column of --losses to bring down."),
    test_runs: Optional[str] = typer.Option(None, help="With --runs: other mixtures to predict."),
    test_losses: Optional[str] = typer.Option(None, help="With --test-runs: their losses."),
    rows: int = typer.Option(2000, min=20, help="Most rows of a proxy run."),
    output: Path = typer.Option(Path("syngain-mix"), "-o", "--output", help="Folder for the report and the recipes."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    encoder: flags.Encoder = "ngrams",
    text: flags.Text = None,
    label: flags.Label = None,
    source: flags.SourceColumn = None,
    json: flags.AsJson = False,
    force: flags.Force = False,
    quiet: flags.Quiet = False,
) -> None:
    """In which proportions: from proxy runs on your sets, or from a table of runs; recipes for trainers."""
    options = configured(context, config)
    folder = Path(options["output"])
    from syngain.report import check_folder

    check_folder(folder, force=options["force"])
    if (options["runs"] is None) == (options["real"] is None):
        raise UsageError("neither or both of REAL and --runs", expected="syngain mix REAL A B, or --runs TABLE")
    with progress_shown(quiet=options["quiet"] or options["json"]) as progress:
        from syngain.workflows.evaluate.mix import write_mixture

        found = _sets(options, progress) if options["runs"] is None else _table(options, progress)
    deliver(
        found.result,
        folder,
        arguments=options,
        force=options["force"],
        as_json=options["json"],
        quiet=options["quiet"],
        rows=write_mixture(found),
    )


def _table(options: Mapping[str, Any], progress: Progress) -> Mixture:
    from syngain.workflows.evaluate.mix import mix_runs

    if options["losses"] is None or options["loss"] is None:
        raise UsageError("--runs alone", expected="--losses TABLE and --loss COLUMN beside it")
    return mix_runs(
        options["runs"],
        options["losses"],
        options["loss"],
        test_mixtures=options["test_runs"],
        test_losses=options["test_losses"],
        seed=options["seed"],
        progress=progress,
    )


def _sets(options: Mapping[str, Any], progress: Progress) -> Mixture:
    from syngain.data import RoleOptions, read
    from syngain.selection.response_surface import Plan
    from syngain.workflows.evaluate.mix import mix as decide

    named = names(options["sets"] or [], least=1)
    encoder = encoder_named(options["encoder"])
    flags = {name: options[name] for name in ("text", "label", "source")}
    real = read(options["real"], roles=RoleOptions.parse(flags, "real"))
    data = {name: read(file, roles=RoleOptions.parse(flags, "synthetic"), like=real) for name, file in named.items()}
    found = decide(
        real, data, seed=options["seed"], encoder=encoder, plan=Plan(most=options["rows"]), progress=progress
    )
    from dataclasses import replace

    return replace(found, files={"anchors": options["real"], **named})
