"""``syngain audit REAL SYNTHETIC``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from syngain._version import __version__
from syngain.cli.common import configured, deliver, progress_shown
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.data.dataset import Dataset

FILES = "FILE or FILE::column=value[,value]"


def audit(
    context: typer.Context,
    real: str = typer.Argument(..., metavar="REAL", help=f"Your real rows, the anchors: {FILES}."),
    synthetic: str = typer.Argument(..., metavar="SYNTHETIC", help=f"The synthetic rows: {FILES}."),
    test: Optional[str] = typer.Option(None, help="Test rows that must not be in SYNTHETIC."),
    pool: Optional[str] = typer.Option(None, help="More real rows, which the generator never saw."),
    no_gain: bool = typer.Option(
        False, "--no-gain", help="Without the measured gain (this version does not measure it yet)."
    ),
    output: Path = typer.Option(Path("syngain-audit"), "-o", "--output", help="Folder for the report."),
    config: Optional[Path] = typer.Option(None, "-c", "--config", help="YAML file with flags; flags beat it."),
    seed: int = typer.Option(0, min=0, help="Seed of every random choice."),
    sample: int = typer.Option(1000, min=20, help="Rows per side for measures that compare all pairs."),
    encoder: str = typer.Option("ngrams", help="ngrams (no download); or minilm, a folder, a hub name."),
    text: Optional[str] = typer.Option(None, help="Text column, or real=A,synthetic=B. Two sides: prompt+response."),
    label: Optional[str] = typer.Option(None, help="Label column, or real=A,synthetic=B; none for no labels."),
    source: Optional[str] = typer.Option(None, help="Column that names the anchor a synthetic row was made from."),
    generator: Optional[str] = typer.Option(None, help="Column that names the generator."),
    id: Optional[str] = typer.Option(None, help="Column with row ids."),  # noqa: A002  (the flag's name)
    json: bool = typer.Option(False, "--json", help="Print report.json to stdout."),
    force: bool = typer.Option(False, help="Replace a finished run in the output folder."),
    resume: bool = typer.Option(False, help="Keep a finished run of the same rows and seed as it is."),
    quiet: bool = typer.Option(False, "-q", "--quiet", help="Print only the path of the report."),
) -> None:
    """What is in a synthetic set, what is wrong with it, and which rows to drop."""
    options = configured(context, config)
    folder = Path(options["output"])
    from syngain.report import check_folder

    finished = options["resume"] and (folder / "report.json").exists()
    if not finished:
        check_folder(folder, force=options["force"])
    settings = _settings(options)
    with progress_shown(quiet=options["quiet"] or options["json"]) as progress:
        from syngain.workflows.audit import audit_run, write_rows_of

        progress("reading", 0.0)
        data = _read(options)
        if finished and _same(folder, data, options["seed"]):
            print(f"report: {folder / 'report.html'}")
            return
        run = audit_run(
            data["real"],
            data["synthetic"],
            test=data.get("test"),
            pool=data.get("pool"),
            seed=options["seed"],
            settings=settings,
            progress=progress,
        )
    deliver(
        run.result,
        folder,
        arguments=options,
        force=options["force"],
        as_json=options["json"],
        quiet=options["quiet"],
        rows=write_rows_of(run),
    )


def _same(folder: Path, data: Mapping[str, Dataset], seed: int) -> bool:
    """Whether a finished run is of these rows and this seed.

    Raises:
        UsageError: it is of others.
    """
    from syngain.report import load

    report = load(folder)
    made = {name: item["fingerprint"] for name, item in report["inputs"].items()}
    given = {name: dataset.fingerprint for name, dataset in data.items()}
    if (made, report["seed"], report["syngain"]) == (given, seed, __version__):
        return True
    raise UsageError(
        f"{folder} is a finished run of other rows, another seed or another version",
        expected="the same inputs for --resume",
        todo="name another folder with -o, or replace this one with --force",
    )


def _settings(options: Mapping[str, Any]) -> Any:  # noqa: ANN401  (loaded late)
    """Sample sizes and encoder; a model that is not there is an error before anything is read."""
    from syngain.audit.examine import Settings

    for name, least in (("sample", 20), ("seed", 0)):  # a configuration file is not checked by the parser
        if options[name] < least:
            raise UsageError(f"--{name} {options[name]}", expected=f"at least {least}")
    if options["encoder"] == "ngrams":
        return Settings(sample=options["sample"])
    from syngain.data.models import locate
    from syngain.data.sentences import SentenceEncoder

    locate(options["encoder"])
    return Settings(sample=options["sample"], encoder=SentenceEncoder(options["encoder"]))


def _read(options: Mapping[str, Any]) -> dict[str, Dataset]:
    """Read the sets by role; columns are detected on the real rows first."""
    from syngain.data import RoleOptions, read

    flags = {name: options[name] for name in ("text", "label", "source", "generator", "id")}
    out: dict[str, Dataset] = {}
    for role in ("real", "synthetic", "test", "pool"):
        if options[role] is not None:
            out[role] = read(options[role], roles=RoleOptions.parse(flags, role), like=out.get("real"))
    return out
