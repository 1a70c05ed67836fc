"""The flags that commands share, each with its words in one place; a command says ``seed: Seed = 0``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

FILES = "FILE or FILE::column=value[,value]"

Real = Annotated[str, typer.Argument(metavar="REAL", help=f"Your real rows: {FILES}.")]
Synthetic = Annotated[str, typer.Argument(metavar="SYNTHETIC", help=f"The synthetic rows: {FILES}.")]

Text = Annotated[Optional[str], typer.Option(help="Text column, or real=A,synthetic=B; pairs: prompt+response.")]
Label = Annotated[Optional[str], typer.Option(help="Label column, or real=A,synthetic=B; none: no labels.")]
Target = Annotated[
    Optional[str], typer.Option(help="Kind of target: auto (default), class, number, ordinal, labels, tags, triplets.")
]
SourceId = Annotated[Optional[str], typer.Option(help="Column with the id of the real row behind each synthetic row.")]
GeneratorColumn = Annotated[Optional[str], typer.Option(help="Column that names the generator.")]
Encoding = Annotated[Optional[str], typer.Option(help="Encoding of text files, or real=A,synthetic=B; default UTF-8.")]
HeldOut = Annotated[Optional[str], typer.Option(help="More real rows, not shown to the generator.")]
Id = Annotated[Optional[str], typer.Option(help="Column with row ids.")]
Proxy = Annotated[
    str,
    typer.Option(help="Proxy model: auto (linear, trees, n-grams), or frozen (on a frozen --model; experimental)."),
]
FrozenModel = Annotated[str, typer.Option(help="Language model that reads texts: smollm2, a folder or a hub name.")]
Minutes = Annotated[
    Optional[float], typer.Option(min=1.0, help="Time on two cores; rows are sampled to fit (default 10).")
]
LossTokensFlag = Annotated[
    str, typer.Option("--loss", help="Tokens to train on: completion, assistant (every turn) or all.")
]
Encoder = Annotated[str, typer.Option(help="Text encoder: ngrams, minilm, folder, hub name, MODEL@URL, FILE.yaml.")]

Recipe = Annotated[
    Optional[str], typer.Argument(metavar="RECIPE", help="YAML: generator, strategies, sampling, curate.")
]
TableGenerator = Annotated[Optional[str], typer.Option(help="Without a RECIPE: cells, a model of the table REAL.")]
RowsToDraw = Annotated[Optional[int], typer.Option(min=1, help="Rows to draw, with --generator cells.")]
Balance = Annotated[
    bool, typer.Option("--balance", help="Draw the rows each class of --label lacks, with --generator cells.")
]
Given = Annotated[
    Optional[list[str]],
    typer.Option(metavar="COLUMN=VALUE", help="Draw rows with this value, with --generator cells. Repeatable."),
]
Temperature = Annotated[
    float, typer.Option(min=0.05, max=20, help="Above 1: more different rows, with --generator cells.")
]
Members = Annotated[int, typer.Option(min=1, max=50, help="Models the rows are drawn from, with --generator cells.")]
CheckModel = Annotated[bool, typer.Option("--check/--no-check", help="Check a cell model on halves of the real rows.")]
Recover = Annotated[
    Optional[Path], typer.Option(metavar="DIR", help="Save rows and ledger of a run with a damaged store; no RECIPE.")
]
StopWhen = Annotated[
    Optional[str],
    typer.Option(
        help="Stop when more rows add little: `diversity.new_fraction < 0.2`, "
        "`information.marginal < 2` (nats per row), `gain.log_loss@doubling < 0.01`, or several with and/or."
    ),
]
Batch = Annotated[Optional[str], typer.Option(help="Batch files: write requests, read answers, or forget a lost file.")]
BatchFile = Annotated[
    Optional[list[Path]], typer.Option(help="Output or error file of a batch, with --batch read. Repeatable.")
]

Config = Annotated[Optional[Path], typer.Option("-c", "--config", help="YAML file with flags; flags override it.")]
Seed = Annotated[int, typer.Option(min=0, help="Random seed.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print report.json to stdout.")]
Force = Annotated[bool, typer.Option(help="Replace a finished run in the output folder.")]
KeepFinished = Annotated[bool, typer.Option(help="Keep a finished run of the same inputs and settings.")]
Resume = Annotated[bool, typer.Option(help="Resume a stopped run; keep a finished one.")]
Everything = Annotated[bool, typer.Option("--all", help="Print every measure, not only the summary.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print only the path of the report.")]
