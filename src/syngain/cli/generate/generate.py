"""``syngain generate RECIPE --anchor REAL``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from syngain.cli import INTERRUPTED, flags
from syngain.cli.common import configured, deliver, progress_shown
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.data.dataset import Dataset
    from syngain.workflows.generate.generate import Limits


def generate(
    context: typer.Context,
    recipe: str = typer.Argument(..., metavar="RECIPE", help="A YAML file: generator, strategies, sampling, curate."),
    anchor: Optional[str] = typer.Option(None, help=f"Your real rows, the anchors: {flags.FILES}."),
    output: Path = typer.Option(Path("syngain-generate"), "-o", "--output", help="Folder for the rows."),
    config: flags.Config = None,
    max_tokens: Optional[int] = typer.Option(None, min=1, help="Ceiling of tokens, prompts and answers together."),
    max_usd: Optional[float] = typer.Option(None, help="Ceiling of US dollars; needs --prices."),
    prices: Optional[Path] = typer.Option(None, help="YAML file `MODEL: {prompt: usd, completion: usd}` per million."),
    stop_when: Optional[str] = typer.Option(
        None,
        help="Ask no more once it is proven that the next rows add little: `diversity.new_fraction < 0.2`, "
        "`information.marginal < 2` (nats per row), `gain.log_loss@doubling < 0.01`, or several with and/or.",
    ),
    preview: Optional[int] = typer.Option(None, min=1, help="Print the first rows and stop; --resume goes on."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Print what would be asked and cost; send nothing."),
    seed: Optional[int] = typer.Option(None, min=0, help="Replaces the seed of the recipe."),
    text: Optional[str] = typer.Option(None, help="Text column of the anchors. Two sides: prompt+response."),
    label: Optional[str] = typer.Option(None, help="Label column of the anchors; none for no labels."),
    id: flags.Id = None,  # noqa: A002  (the flag's name)
    json: flags.AsJson = False,
    force: bool = typer.Option(False, help="Replace a finished run, and throw away the answers of a stopped one."),
    resume: bool = typer.Option(False, help="Go on with a stopped run; nothing that was answered is asked again."),
    quiet: flags.Quiet = False,
) -> None:
    """Run the chain from anchors to rows with a generator: resumable, within a budget, log-probabilities kept."""
    options = configured(context, config)
    folder = Path(options["output"])
    anchors, given, limits = _anchors(options), _recipe(options), _limits(options)
    if options["dry_run"]:
        _forecast(given, anchors, limits)
        return
    from syngain.report import check_folder
    from syngain.workflows.generate.generate import files_of, forget, generate_run, work_folder

    if options["resume"] and (folder / "report.json").exists():
        _same(folder, given, anchors)
        print(f"report: {folder / 'report.html'}")
        return
    check_folder(folder, force=options["force"])
    work = work_folder(folder)
    if options["force"] and not options["resume"]:
        shutil.rmtree(work, ignore_errors=True)
    try:
        with progress_shown(quiet=options["quiet"] or options["json"]) as progress:
            if options["preview"] is not None:
                _preview(options, given, anchors, limits, work)
                return
            run = generate_run(
                given,
                anchors,
                work=work,
                limits=limits,
                stop_when=options["stop_when"],
                resume=options["resume"],
                progress=progress,
            )
    except KeyboardInterrupt:
        print(f"interrupted; what was answered is kept in {work}: go on with --resume", file=sys.stderr)
        sys.exit(INTERRUPTED)
    for note in () if options["quiet"] else run.notes:
        print(note, file=sys.stderr)
    deliver(
        run.result,
        folder,
        arguments=options,
        force=options["force"],
        as_json=options["json"],
        quiet=options["quiet"],
        rows=files_of(run),
    )
    forget(work)


def _anchors(options: Mapping[str, Any]) -> Dataset:
    from syngain.data import RoleOptions, read

    if options["anchor"] is None:
        raise UsageError("no anchors", expected="your real rows", todo="give them with --anchor FILE")
    roles = RoleOptions(text=options["text"], label=options["label"], id=options["id"])
    return read(options["anchor"], roles=roles)


def _recipe(options: Mapping[str, Any]) -> dict[str, Any] | str:
    """The recipe, with another seed when one is given."""
    if options["seed"] is None:
        return str(options["recipe"])
    from syngain.pipeline.recipe import read_recipe

    return read_recipe(options["recipe"]).model_dump() | {"seed": int(options["seed"])}


def _limits(options: Mapping[str, Any]) -> Limits:
    from syngain.workflows.generate.generate import Limits

    tokens, usd = options["max_tokens"], options["max_usd"]
    return Limits(
        max_tokens=None if tokens is None else int(tokens),
        max_usd=None if usd is None else float(usd),
        prices=None if options["prices"] is None else Path(options["prices"]),
    )


def _forecast(recipe: dict[str, Any] | str, anchors: Dataset, limits: Limits) -> None:
    import json

    from syngain.workflows.generate.generate import forecast

    print(json.dumps(forecast(recipe, anchors, limits=limits).as_json(), indent=2, ensure_ascii=False))


def _preview(
    options: Mapping[str, Any], recipe: dict[str, Any] | str, anchors: Dataset, limits: Limits, work: Path
) -> None:
    import json

    from syngain.workflows.generate.generate import preview

    rows = preview(recipe, anchors, work=work, count=int(options["preview"]), limits=limits, resume=options["resume"])
    for row in rows:
        print(json.dumps(row, ensure_ascii=False))
    print(f"the answers are kept in {work}: go on with --resume", file=sys.stderr)


def _same(folder: Path, recipe: dict[str, Any] | str, anchors: Dataset) -> None:
    """Whether a finished run is of these anchors and this recipe.

    Raises:
        UsageError: it is of others.
    """
    import yaml

    from syngain.pipeline.recipe import read_recipe
    from syngain.report import load

    made = load(folder)["inputs"]["real"]["fingerprint"]
    before = yaml.safe_load((folder / "recipe.yaml").read_text(encoding="utf-8"))
    if made == anchors.fingerprint and read_recipe(before) == read_recipe(recipe):
        return
    raise UsageError(
        f"{folder} is a finished run of other anchors or another recipe",
        expected="the same ones for --resume",
        todo="name another folder with -o, or replace this one with --force",
    )
