"""``syngain review RUN``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional

import typer

from syngain.cli import flags

if TYPE_CHECKING:
    from syngain.audit.review import Reviewed


def review(
    run: Path = typer.Argument(..., metavar="RUN", help="Run folder of an audit."),
    filled: Optional[Path] = typer.Option(None, help="The filled sheet: adds the precision to the report."),
    rows: int = typer.Option(50, min=1, max=200, help="Sampled rows of each finding."),
    output: Optional[Path] = typer.Option(None, "-o", "--output", help="The sheet (default: RUN-review.csv)."),
    force: bool = typer.Option(False, "--force", help="Replace a sheet of this name."),
    quiet: flags.Quiet = False,
) -> None:
    """Review rows of each finding by hand; get its precision.

    Fill in the column `correct` with yes or no: whether the row has the defect. Then pass the sheet with --filled.
    """
    from syngain.workflows.evaluate.review import review as verb

    found = verb(run, filled, rows=rows)
    if filled is None:
        folder = run if run.is_dir() else run.parent
        path = output or folder.with_name(f"{folder.name}-review.csv")
        found.write(path, force=force)
        if not quiet:
            print(f"{len(found.rows)} rows of {len({row['finding'] for row in found.rows})} findings")
            print("Fill in the column `correct` with yes or no, then:")
            print(f"  syngain review {run} --filled {path}")
        print(f"sheet: {path}")
        return
    if not quiet:
        _tell(found.findings, found.open_rows)
    print(f"report: {(run if run.is_dir() else run.parent) / 'report.html'}")


def _tell(findings: tuple[Reviewed, ...], open_rows: int) -> None:
    """The precision of each reviewed finding."""
    print(f"{'finding':<22}{'flagged':>9}{'reviewed':>10}{'correct':>9}{'precision':>11}  90% CI")
    for one in findings:
        low, high = one.precision.interval(0.9)
        share = f"{one.precision.value:.0%}"
        print(f"{one.finding:<22}{one.flagged:>9,}{one.rows:>10,}{one.correct:>9,}{share:>11}  {low:.0%} to {high:.0%}")
    if open_rows:
        print(f"{open_rows} rows without an answer")
