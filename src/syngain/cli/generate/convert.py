"""``syngain convert IN OUT --to LAYOUT``."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import Optional

import typer

from syngain.cli import flags
from syngain.cli.common import configured

WRITTEN = (
    "trl, llama_factory, axolotl, oumi, openai, unsloth, nemo, messages, distilabel (for a trainer, with the form "
    "for SFT, preferences or judged answers by the rows), preference, kto, prompts, llama_factory_alpaca, alpaca, "
    "sharegpt, prompt_completion, self_instruct, qa, text; without it only the format of the file changes"
)
READ = "also distilabel, data_designer, curator, easy_dataset; without it the fields tell"


def convert(
    context: typer.Context,
    source: str = typer.Argument(..., metavar="IN", help=f"Input: {flags.FILES}."),
    target: Path = typer.Argument(..., metavar="OUT", help="Output: .jsonl, .json, .csv, .parquet, .arrow, .gz."),
    to: Optional[str] = typer.Option(None, help=f"Layout to write: {WRITTEN}."),
    from_: Optional[str] = typer.Option(None, "--from", help=f"Layout to read: {READ}."),
    prompt: Optional[str] = typer.Option(None, help="Prompt column, where the layout has no fixed one."),
    response: Optional[str] = typer.Option(None, help="Response column, where the layout has no fixed one."),
    lossy: bool = typer.Option(False, "--lossy", help="Leave out what the target would not read as meant; list it."),
    encoding: Optional[str] = typer.Option(None, help="Encoding of a text file IN; default UTF-8."),
    config: flags.Config = None,
    json: bool = typer.Option(False, "--json", help="Print a JSON summary."),
    spreadsheet_safe: bool = typer.Option(
        False, "--spreadsheet-safe", help="Put ' before CSV cells that begin with = + - @; remove it when reading."
    ),
    force: bool = typer.Option(False, help="Replace OUT."),
    quiet: bool = typer.Option(False, "-q", "--quiet", help="Print nothing."),
) -> None:
    """Convert between dataset and trainer formats."""
    options = configured(context, config)
    from syngain.workflows.generate.convert import convert as write

    done = write(
        options["source"],
        options["target"],
        to=options["to"],
        source=options["from_"],
        prompt=options["prompt"],
        response=options["response"],
        lossy=options["lossy"],
        force=options["force"],
        encoding=options["encoding"],
        spreadsheet_safe=options["spreadsheet_safe"],
    )
    files = [str(file) for file in done.files]
    if options["json"]:
        content = {
            "rows": done.rows,
            "written": done.written,
            "from": done.source,
            "to": done.target,
            "lost": dict(done.lost),
            "skipped": dict(done.skipped),
            "warnings": list(done.warnings),
            "files": files,
        }
        sys.stdout.write(jsons.dumps(content, indent=2) + "\n")
    elif not options["quiet"]:
        print(f"{done.rows:,} rows: {done.source} to {done.target}: {', '.join(files)}")
        for sentence in done.warnings:
            print(f"warning: {sentence}".encode(errors="replace").decode(), file=sys.stderr)
        for name, count in done.lost.items():
            print(f"left out: {name} ({count:,} rows)".encode(errors="replace").decode())
        for reason, count in done.skipped.items():
            print(f"left out: {count:,} rows: {reason}".encode(errors="replace").decode())
        if done.entry:
            print(f"dataset_info.json: the dataset is `{done.entry}`".encode(errors="replace").decode())
