"""The flags that commands share, each with its words in one place; a command says ``seed: Seed = 0``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

FILES = "FILE or FILE::column=value[,value]"

Real = Annotated[str, typer.Argument(metavar="REAL", help=f"Your real rows, the real rows: {FILES}.")]
Synthetic = Annotated[str, typer.Argument(metavar="SYNTHETIC", help=f"The synthetic rows: {FILES}.")]

Text = Annotated[Optional[str], typer.Option(help="Text column, or real=A,synthetic=B. Two sides: prompt+response.")]
Label = Annotated[Optional[str], typer.Option(help="Label column, or real=A,synthetic=B; none for no labels.")]
SourceId = Annotated[Optional[str], typer.Option(help="Column that names the real row a synthetic row was made from.")]
GeneratorColumn = Annotated[Optional[str], typer.Option(help="Column that names the generator.")]
HeldOut = Annotated[Optional[str], typer.Option(help="More real rows, which the generator never saw.")]
Id = Annotated[Optional[str], typer.Option(help="Column with row ids.")]
Encoder = Annotated[str, typer.Option(help="ngrams (no download); or minilm, a folder, a hub name.")]

Config = Annotated[Optional[Path], typer.Option("-c", "--config", help="YAML file with flags; flags beat it.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of every random choice.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print report.json to stdout.")]
Force = Annotated[bool, typer.Option(help="Replace a finished run in the output folder.")]
KeepFinished = Annotated[bool, typer.Option(help="Keep a finished run of the same rows and seed as it is.")]
Resume = Annotated[bool, typer.Option(help="Keep a finished run of the same rows and seed; go on with a stopped one.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print only the path of the report.")]
