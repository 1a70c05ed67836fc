"""``syngain compare REAL A B ...``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from syngain.cli import flags
from syngain.cli.common import configured, deliver, encoder_named, progress_shown, same_run
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.data.dataset import Dataset

NAMED = re.compile(r"^(?P<name>[^=:/\\]+)=(?P<file>.+)$")


def compare(
    context: typer.Context,
    real: flags.Real,
    sets: list[str] = typer.Argument(..., metavar="A B ...", help="Sets to compare: FILE, or NAME=FILE."),
    test: Optional[str] = typer.Option(None, help="Real rows that judge; else held-out anchors do."),
    metric: Optional[str] = typer.Option(None, help="Orders the sets: log_loss (default), accuracy, macro_f1."),
    class_weights: bool = typer.Option(
        True, "--class-weights/--no-class-weights", help="Whether every set is weighted to the class shares of REAL."
    ),
    lengths: bool = typer.Option(False, "--match-lengths", help="Draw rows of the same lengths from every set."),
    draws: int = typer.Option(3, min=1, help="Draws from every set."),
    no_measures: bool = typer.Option(False, "--no-measures", help="Gains only, no audit of each set."),
    output: Path = typer.Option(Path("syngain-compare"), "-o", "--output", help="Folder for the report."),
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
    """Which of several sets is best, at equal size, and which cannot be told apart."""
    options = configured(context, config)
    folder = Path(options["output"])
    from syngain.report import check_folder

    finished = options["resume"] and (folder / "report.json").exists()
    if not finished:
        check_folder(folder, force=options["force"])
    named = names(options["sets"])
    with progress_shown(quiet=options["quiet"] or options["json"]) as progress:
        from syngain.selection.matched_sets import Contest
        from syngain.workflows.evaluate.compare import CompareSettings
        from syngain.workflows.evaluate.compare import compare as decide

        settings = CompareSettings(
            metric=options["metric"],
            class_weights=options["class_weights"],
            measures=not options["no_measures"],
            encoder=encoder_named(options["encoder"]),
            contest=Contest(draws=options["draws"], lengths=options["lengths"]),
        )
        progress("reading", 0.0)
        data = _read(options, named)
        if finished and same_run(folder, data, options["seed"]):
            print(f"report: {folder / 'report.html'}")
            return
        result = decide(
            data["real"],
            {name: data[name] for name in named},
            test=data.get("test"),
            seed=options["seed"],
            settings=settings,
            progress=progress,
        )
    deliver(result, folder, arguments=options, force=options["force"], as_json=options["json"], quiet=options["quiet"])


def names(given: list[str], *, least: int = 2) -> dict[str, str]:
    """The sets by name: ``NAME=FILE``, or a file named after itself with its filter.

    Raises:
        UsageError: too few sets, two of one name, or a name that the report uses itself.
    """
    out: dict[str, str] = {}
    for item in given:
        match = NAMED.match(item)
        name, file = (match["name"], match["file"]) if match else (item.rsplit("/", 1)[-1], item)
        if name in out or name in {"real", "test"}:
            said = f"two sets are named {name}" if name in out else f"a set is named {name}"
            raise UsageError(said, expected="different names", todo="name them: NAME=FILE")
        out[name] = file
    if len(out) < least:
        raise UsageError(f"{len(out)} sets", expected=f"at least {least}", todo="`syngain gain` takes one")
    return out


def _read(options: Mapping[str, Any], named: Mapping[str, str]) -> dict[str, Dataset]:
    from syngain.data import RoleOptions, read

    flags = {name: options[name] for name in ("text", "label", "source", "generator", "id")}
    out = {"real": read(options["real"], roles=RoleOptions.parse(flags, "real"))}
    for name, file in named.items():
        out[name] = read(file, roles=RoleOptions.parse(flags, "synthetic"), like=out["real"])
    if options["test"] is not None:
        out["test"] = read(options["test"], roles=RoleOptions.parse(flags, "test"), like=out["real"])
    return out
