"""``syngain audit REAL SYNTHETIC``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from syngain.cli import flags
from syngain.cli.common import configured, deliver, encoder_named, progress_shown, read_sets, same_run
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def audit(
    context: typer.Context,
    real: flags.Real,
    synthetic: flags.Synthetic,
    test: Optional[str] = typer.Option(None, help="Test rows that must not be in SYNTHETIC."),
    pool: Optional[str] = typer.Option(None, help="More real rows, which the generator never saw."),
    no_gain: bool = typer.Option(False, "--no-gain", help="Without the measured gain, which takes most of the time."),
    output: Path = typer.Option(Path("syngain-audit"), "-o", "--output", help="Folder for the report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    sample: int = typer.Option(1000, min=20, help="Rows per side for measures that compare all pairs."),
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
    """What is in a synthetic set, what is wrong with it, which rows to drop, and whether it helps."""
    options = configured(context, config)
    folder = Path(options["output"])
    from syngain.report import check_folder

    finished = options["resume"] and (folder / "report.json").exists()
    if not finished:
        check_folder(folder, force=options["force"])
    settings = _settings(options)
    with progress_shown(quiet=options["quiet"] or options["json"]) as progress:
        from syngain.workflows.evaluate.audit import audit_run, write_rows_of

        progress("reading", 0.0)
        data = read_sets(options)
        if finished and same_run(folder, data, options["seed"]):
            print(f"report: {folder / 'report.html'}")
            return
        run = audit_run(
            data["real"],
            data["synthetic"],
            test=data.get("test"),
            pool=data.get("pool"),
            seed=options["seed"],
            settings=settings,
            gain=not options["no_gain"],
            progress=progress,
        )
    deliver(
        run.result,
        folder,
        arguments=options,
        force=options["force"],
        as_json=options["json"],
        quiet=options["quiet"],
        rows=write_rows_of(run),
    )


def _settings(options: Mapping[str, Any]) -> Any:  # noqa: ANN401  (loaded late)
    """Sample sizes and encoder; a model that is not there is an error before anything is read."""
    from syngain.audit.measure import Settings

    for name, least in (("sample", 20), ("seed", 0)):  # a configuration file is not checked by the parser
        if options[name] < least:
            raise UsageError(f"--{name} {options[name]}", expected=f"at least {least}")
    return Settings(sample=options["sample"], encoder=encoder_named(options["encoder"]))
