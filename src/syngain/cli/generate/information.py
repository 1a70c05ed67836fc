"""``syngain information ROWS``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from syngain.cli import flags
from syngain.cli.common import configured, deliver, encoder_named, progress_shown
from syngain.cli.generate.check import APIS
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syngain.core.progress import Progress
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.information.cross_scoring import Scorer
    from syngain.information.outputs import Outputs


def information(
    context: typer.Context,
    rows: str = typer.Argument(..., metavar="ROWS", help=f"A run folder of `syngain generate`, or {flags.FILES}."),
    real: Optional[str] = typer.Option(None, help="Your real rows: novelty, task divergence and gain beside."),
    dropped: Optional[str] = typer.Option(None, help="Rows that curation dropped, where ROWS is not a run folder."),
    generator: Optional[str] = typer.Option(
        None,
        help="Scores outputs under other prompts: toy (fitted on --real), smollm2, a folder, a hub name, the address "
        "of an OpenAI-compatible server, or a recipe (its generator).",
    ),
    model: Optional[str] = typer.Option(None, help="The model at that address (default: the only one it lists)."),
    key_env: str = typer.Option("OPENAI_API_KEY", help="The environment variable that holds the server's key."),
    api: str = typer.Option("chat", help="chat, or completions for base models."),
    meaning: Optional[str] = typer.Option(None, help="Column with the meaning of a row (default: the label)."),
    encoder: Optional[str] = typer.Option(
        None,
        help="Instead the region of --real where a row lies by this encoder: ngrams, minilm, a folder, a hub name.",
    ),
    vocabulary: Optional[int] = typer.Option(None, min=2, help="Tokens the generator chooses from, for top-k ends."),
    prompts: int = typer.Option(16, min=2, help="Prompts of a strategy that are cross-scored."),
    samples: int = typer.Option(16, min=1, help="Outputs of a prompt that are cross-scored."),
    gain: bool = typer.Option(True, "--gain/--no-gain", help="With --real: measure gain and divergence beside."),
    output: Path = typer.Option(Path("syngain-information"), "-o", "--output", help="Folder for the report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    text: flags.Text = None,
    label: flags.Label = None,
    source: Optional[str] = typer.Option(None, help="Column that names the anchor a row was made from."),
    id: flags.Id = None,  # noqa: A002  (the flag's name)
    json: flags.AsJson = False,
    force: flags.Force = False,
    quiet: flags.Quiet = False,
) -> None:
    """Where information entered the rows and where it was lost: gain, prompts, meaning, curation, in nats."""
    options = configured(context, config)
    folder = Path(options["output"])
    from syngain.report import check_folder

    check_folder(folder, force=options["force"])
    with progress_shown(quiet=options["quiet"] or options["json"]) as progress:
        from syngain.data import RoleOptions, read
        from syngain.workflows.generate.information import InformationSettings
        from syngain.workflows.generate.information import information as account

        flags = {name: options[name] for name in ("text", "label", "source", "id")}
        anchors = None
        if options["real"] is not None:
            anchors = read(options["real"], roles=RoleOptions.parse(flags, "real"))
        result = account(
            options["rows"],
            dropped=options["dropped"],
            real=anchors,
            scorer=_scorer(options, anchors, progress),
            roles=RoleOptions.parse(flags, "synthetic"),
            settings=InformationSettings(
                meaning=options["meaning"],
                encoder=_encoder(options),
                vocabulary=_whole(options["vocabulary"], "vocabulary"),
                prompts=options["prompts"],
                samples=options["samples"],
                gain=options["gain"],
            ),
            seed=options["seed"],
            progress=progress,
        )
    deliver(result, folder, arguments=options, force=options["force"], as_json=options["json"], quiet=options["quiet"])


def _encoder(options: Mapping[str, Any]) -> TextEncoder | None:
    """The encoder that places meanings; None where nobody asked for one."""
    if options["encoder"] is None:
        return None
    if options["meaning"] is not None:
        raise UsageError("--meaning and --encoder", expected="one of them: both say what a row means")
    if options["real"] is None:
        raise UsageError(
            "--encoder without --real",
            expected="real rows: the map of meanings must be fixed before the rows are seen",
            todo="add --real, or name a column with --meaning",
        )
    from syngain.data.encoders.vectors import HashedNgrams

    return encoder_named(options["encoder"]) or HashedNgrams()


def _whole(value: object, flag: str) -> int | None:
    """A whole number that may come from a file as text."""
    if value is None or isinstance(value, int):
        return value
    if not str(value).isdecimal():
        raise UsageError(f"{flag}: {value}", expected="a whole number")
    return int(str(value))


def _scorer(
    options: Mapping[str, Any], anchors: Dataset | None, progress: Progress
) -> Callable[[Outputs], Scorer] | None:
    """Makes the scorer when the temperature of the outputs is known; None where nobody is named."""
    if options["generator"] is None:
        return None
    if options["api"] not in APIS:
        raise UsageError(f"--api {options['api']}", expected=f"one of {', '.join(APIS)}")
    from syngain.workflows.generate.scorers import scorer_of

    return scorer_of(
        str(options["generator"]),
        anchors,
        model=options["model"],
        key_env=str(options["key_env"]),
        api="chat" if options["api"] == "chat" else "completions",
        progress=progress,
    )
