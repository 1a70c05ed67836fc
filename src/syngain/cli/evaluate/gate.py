"""``syngain gate RUN --fail-if EXPR``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Optional

import typer

from syngain.cli import flags
from syngain.cli.common import configured
from syngain.core.errors import UsageError

FAILED = 1  # the exit code


def gate(
    context: typer.Context,
    run: Path = typer.Argument(..., metavar="RUN", help="Run folder or report.json."),
    fail_if: Optional[list[str]] = typer.Option(
        [], "--fail-if", metavar="EXPR", help='Condition that fails: "gain.macro_f1:lower90 <= 0". Repeatable.'
    ),
    junit: Optional[Path] = typer.Option(None, help="Write JUnit XML to this file."),
    markdown: Optional[Path] = typer.Option(None, help="Write a Markdown summary to this file; - for stdout."),
    config: flags.Config = None,
    json: bool = typer.Option(False, "--json", help="Print the conditions as JSON."),
    quiet: bool = typer.Option(False, "-q", "--quiet", help="Suppress output; use the exit code."),
) -> None:
    """Fail CI when a --fail-if condition holds.

    Exit code 0: no condition holds. 1: one holds. 2: a condition names nothing in the report.
    """
    options = configured(context, config)
    from syngain.report import checks as drawn
    from syngain.workflows.evaluate.gate import gate as decide

    found = decide(options["run"], options["fail_if"] or [])
    texts = {
        "junit": drawn.check_junit(found.checks, sentence=found.sentence),
        "markdown": drawn.check_markdown(found.checks, sentence=found.sentence),
    }
    on_stdout = str(options["markdown"]) == "-"
    if on_stdout and options["json"]:
        raise UsageError("--json and --markdown - at once", expected="one of them", todo="write the Markdown to a file")
    for kind, text in texts.items():
        if options[kind] is not None and str(options[kind]) != "-":
            from syngain.data.files.write import write_text

            write_text(Path(options[kind]), text)
    if options["json"]:
        sys.stdout.write(drawn.check_json(found.checks))
    elif on_stdout:
        sys.stdout.write(texts["markdown"])
    elif not options["quiet"]:
        sys.stdout.write(drawn.check_lines(found.checks))
    if not found.passed:
        raise typer.Exit(FAILED)
