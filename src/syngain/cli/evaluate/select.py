"""``syngain select REAL SYNTHETIC``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from syngain.cli import flags
from syngain.cli.common import configured, deliver, encoder_named, progress_shown, read_sets, same_run
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

METHODS = (
    "faithful_then_diverse, facility_location, log_determinant, density_ratio, coverage, surprisal_band, "
    "log_probability, conditional_ratio, confidence, confident_then_diverse, easy, ambiguous, hard, random"
)


def select(
    context: typer.Context,
    real: Optional[str] = typer.Argument(None, metavar="REAL", help=f"Your real rows, the anchors: {flags.FILES}."),
    synthetic: Optional[str] = typer.Argument(None, metavar="SYNTHETIC", help=f"The synthetic rows: {flags.FILES}."),
    again: Optional[Path] = typer.Option(None, help="Instead of data: a finished selection to cut at --rows."),
    method: str = typer.Option("faithful_then_diverse", help=f"How to choose: {METHODS}."),
    rows: Optional[int] = typer.Option(None, min=1, help="How many rows to keep (default: --share of them)."),
    share: Optional[float] = typer.Option(None, help="Share of the rows to keep (default: .5)."),
    repeats: str = typer.Option("last", help="last: near duplicates behind all others; free: as the method has them."),
    test: Optional[str] = typer.Option(None, help="Real rows to judge on, beside the anchors."),
    metric: Optional[str] = typer.Option(None, help="Decides: log_loss (default), accuracy, macro_f1; nats_per_byte."),
    logprob: Optional[str] = typer.Option(None, help="Column of SYNTHETIC with log-probabilities."),
    model: Optional[str] = typer.Option(
        None, help="Language model that conditional_ratio asks: smollm2, a folder or a hub name (default: words)."
    ),
    folds: int = typer.Option(5, min=2, help="Folds of the anchors that choose and judge in turn."),
    output: Path = typer.Option(Path("syngain-select"), "-o", "--output", help="Folder for the report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    encoder: flags.Encoder = "ngrams",
    text: flags.Text = None,
    label: flags.Label = None,
    source: flags.SourceColumn = None,
    generator: flags.GeneratorColumn = None,
    id: flags.Id = None,  # noqa: A002  (the flag's name)
    json: flags.AsJson = False,
    force: flags.Force = False,
    resume: flags.KeepFinished = False,
    quiet: flags.Quiet = False,
) -> None:
    """Which rows to keep: by a method, next to random choices of the same size and to all rows."""
    options = configured(context, config)
    folder = Path(options["output"])
    from syngain.report import check_folder

    if options["again"] is not None:
        _cut(options, folder)
        return
    if options["synthetic"] is None:
        raise UsageError("no REAL and SYNTHETIC", expected="syngain select REAL SYNTHETIC, or --again RUN --rows N")
    if options["repeats"] not in {"last", "free"}:
        raise UsageError(f"--repeats {options['repeats']}", expected="last or free")
    if options["rows"] is not None and options["share"] is not None:
        raise UsageError("--rows and --share", expected="one of them")
    finished = options["resume"] and (folder / "report.json").exists()
    if not finished:
        check_folder(folder, force=options["force"])
    with progress_shown(quiet=options["quiet"] or options["json"]) as progress:
        from syngain.selection.methods import method_named
        from syngain.selection.nested_choice import Trial
        from syngain.workflows.evaluate.select import SelectSettings, write_selection
        from syngain.workflows.evaluate.select import select as choose

        method_named(options["method"], model=options["model"])  # an unknown one is an error before anything is read
        settings = SelectSettings(
            rows=options["rows"],
            share=0.5 if options["share"] is None else options["share"],
            repeats_last=options["repeats"] == "last",
            metric=options["metric"],
            logprob=options["logprob"],
            model=options["model"],
            encoder=encoder_named(options["encoder"]),
            trial=Trial(folds=options["folds"]),
        )
        progress("reading", 0.0)
        data = read_sets({"pool": None, **options})
        if finished and same_run(folder, data, options["seed"]):
            print(f"report: {folder / 'report.html'}")
            return
        chosen = choose(
            data["real"],
            data["synthetic"],
            method=options["method"],
            test=data.get("test"),
            seed=options["seed"],
            settings=settings,
            progress=progress,
        )
    deliver(
        chosen.result,
        folder,
        arguments=options,
        force=options["force"],
        as_json=options["json"],
        quiet=options["quiet"],
        rows=write_selection(chosen),
    )


def _cut(options: Mapping[str, Any], folder: Path) -> None:
    """Another size of a finished selection, nothing computed again."""
    from syngain.report import check_folder
    from syngain.workflows.evaluate.reselect import reselect, write_cut

    if options["real"] is not None or options["rows"] is None:
        raise UsageError("--again with REAL, or without --rows", expected="syngain select --again RUN --rows N")
    check_folder(folder, force=options["force"])
    cut = reselect(Path(options["again"]), options["rows"])
    deliver(
        cut.result,
        folder,
        arguments=options,
        force=options["force"],
        as_json=options["json"],
        quiet=options["quiet"],
        rows=write_cut(cut),
    )
