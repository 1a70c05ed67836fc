"""``syngain explain RUN ID``."""

from __future__ import annotations

from pathlib import Path
from shutil import get_terminal_size

import typer


def explain(
    run: Path = typer.Argument(..., metavar="RUN", help="Run folder or report.json."),
    identifier: str = typer.Argument("verdict", metavar="[ID]", help="Id of a number or finding (default: verdict)."),
) -> None:
    """Explain a number or finding: meaning, method, fix."""
    from syngain.workflows.evaluate.explain import explain as verb

    print(verb(run, identifier).text(min(get_terminal_size().columns, 80)), end="")
