"""``syngain demo``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from syngain.cli import flags
from syngain.cli.common import deliver, progress_shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from syngain.workflows.research.demo import DemoRun


def demo(
    seed: int = typer.Option(1, min=0, help="Which rows and which planted defects."),
    output: Path = typer.Option(Path("syngain-demo"), "-o", "--output", help="Folder for the report."),
    json: flags.AsJson = False,
    force: flags.Force = False,
    quiet: flags.Quiet = False,
) -> None:
    """The main job on data that exists on any machine, offline, in under a minute."""
    from syngain.report import check_folder

    check_folder(output, force=force)
    with progress_shown(quiet=quiet or json) as progress:
        from syngain.workflows.research.demo import demo_run

        run = demo_run(seed=seed, progress=progress)
    arguments = {"seed": seed, "output": output, "json": json, "force": force, "quiet": quiet}
    if not quiet and not json:
        _introduce(run)
    deliver(run.audited.result, output, arguments=arguments, force=force, as_json=json, quiet=quiet, rows=_files(run))
    if run.missed:
        print(f"not found by the report: {', '.join(run.missed)}", file=sys.stderr)


def _introduce(run: DemoRun) -> None:
    print("Real rows: summary lines of Python's own documentation, labeled by topic.")
    print("Synthetic rows: the package's own toy generator, fitted on them, with these defects planted:")
    for name, words in run.planted.items():
        print(f"  {name}: {words}")
    print()


def _files(run: DemoRun) -> Callable[[Path], None]:
    from syngain.data import write_records
    from syngain.workflows.evaluate.audit import write_rows_of

    def write(folder: Path) -> None:
        write_rows_of(run.audited)(folder)
        for name, rows in run.rows.items():
            write_records(folder / f"{name}.jsonl", rows)

    return write
