"""``syngain loop REAL``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from syngain.cli import flags
from syngain.cli.common import configured, deliver, progress_shown, same_run
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.workflows.research.loop import LoopSettings


def loop(
    context: typer.Context,
    real: str = typer.Argument(..., metavar="REAL", help=f"Real texts: {flags.FILES}."),
    holdout: Optional[str] = typer.Option(None, help="Real rows that no generation learns (default: half of REAL)."),
    generations: int = typer.Option(5, min=2, help="How often the generator speaks."),
    real_share: str = typer.Option("0,0.2,0.5", help="Shares of real rows in every training set, ascending."),
    rows: int = typer.Option(500, min=20, help="Most real rows that take part."),
    seeds: int = typer.Option(5, min=2, help="How many loops."),
    output: Path = typer.Option(Path("syngain-loop"), "-o", "--output", help="Folder for the report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    text: Optional[str] = typer.Option(None, help="Text column. Of two sides, prompt+response, the response is said."),
    json: flags.AsJson = False,
    force: flags.Force = False,
    resume: flags.KeepFinished = False,
    quiet: flags.Quiet = False,
) -> None:
    """What happens when the generator eats its own output, and which share of real rows prevents it."""
    options = configured(context, config)
    folder = Path(options["output"])
    from syngain.report import check_folder

    finished = options["resume"] and (folder / "report.json").exists()
    if not finished:
        check_folder(folder, force=options["force"])
    settings = _settings(options)
    with progress_shown(quiet=options["quiet"] or options["json"]) as progress:
        from syngain.data import RoleOptions, read
        from syngain.workflows.research.loop import loop as run

        progress("reading", 0.0)
        roles = RoleOptions.parse({"text": options["text"], "label": "none"}, "real")
        data = {"real": read(options["real"], roles=roles)}
        if options["holdout"] is not None:
            data["holdout"] = read(options["holdout"], roles=roles, like=data["real"])
        if finished and same_run(folder, data, options["seed"]):
            print(f"report: {folder / 'report.html'}")
            return
        result = run(
            data["real"], holdout=data.get("holdout"), seed=options["seed"], settings=settings, progress=progress
        )
    deliver(result, folder, arguments=options, force=options["force"], as_json=options["json"], quiet=options["quiet"])


def _settings(options: Mapping[str, Any]) -> LoopSettings:
    from syngain.lab.text_loop import Loop
    from syngain.workflows.research.loop import LoopSettings

    try:
        shares = tuple(float(part) for part in str(options["real_share"]).split(","))
    except ValueError:
        raise UsageError(f"--real-share {options['real_share']}", expected="numbers such as 0,0.2,0.5") from None
    loop = Loop(generations=options["generations"], shares=shares, rows=options["rows"])
    return LoopSettings(loop=loop, seeds=options["seeds"])
