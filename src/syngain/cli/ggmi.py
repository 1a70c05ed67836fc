"""``syngain ggmi REAL SYNTHETIC``."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import typer

from syngain.cli.audit import FILES
from syngain.cli.common import configured, deliver, encoder_named, progress_shown, read_sets, same_run


def ggmi(
    context: typer.Context,
    real: str = typer.Argument(..., metavar="REAL", help=f"Your real rows, the anchors: {FILES}."),
    synthetic: str = typer.Argument(..., metavar="SYNTHETIC", help=f"The synthetic rows: {FILES}."),
    test: Optional[str] = typer.Option(None, help="Real rows on which the gain beside it is measured."),
    pairs: int = typer.Option(100, min=10, help="Most pairs of a supersample."),
    masks: int = typer.Option(20, min=4, help="Masks of each supersample."),
    draws: int = typer.Option(6, min=2, help="Supersamples of each side."),
    model: Optional[str] = typer.Option(None, help="A language model as the learner: smollm2, a folder, a hub name."),
    steps: int = typer.Option(20, min=1, help="With --model: optimizer steps of every fit."),
    gain: bool = typer.Option(True, "--gain/--no-gain", help="Measure the gain beside it (the quick setting)."),
    output: Path = typer.Option(Path("syngain-ggmi"), "-o", "--output", help="Folder for the report."),
    config: Optional[Path] = typer.Option(None, "-c", "--config", help="YAML file with flags; flags beat it."),
    seed: int = typer.Option(0, min=0, help="Seed of every random choice."),
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
    """How much learners give away of the rows they learned from: information, the gap it bounds, and GGMI."""
    options = configured(context, config)
    folder = Path(options["output"])
    from syngain.report import check_folder

    finished = options["resume"] and (folder / "report.json").exists()
    if not finished:
        check_folder(folder, force=options["force"])
    with progress_shown(quiet=options["quiet"] or options["json"]) as progress:
        from syngain.gain.supersampled import Masks
        from syngain.learners.causal import CausalProxy
        from syngain.workflows.ggmi import GgmiSettings
        from syngain.workflows.ggmi import ggmi as measure

        progress("reading", 0.0)
        data = read_sets({"pool": None, **options})
        if finished and same_run(folder, data, options["seed"]):
            print(f"report: {folder / 'report.html'}")
            return
        result = measure(
            data["real"],
            data["synthetic"],
            test=data.get("test"),
            seed=options["seed"],
            settings=GgmiSettings(
                masks=Masks(pairs=options["pairs"], masks=options["masks"], draws=options["draws"]),
                gain=options["gain"],
                student=None if options["model"] is None else CausalProxy(model=options["model"]),
                steps=options["steps"],
                encoder=encoder_named(options["encoder"]),
            ),
            progress=progress,
        )
    deliver(result, folder, arguments=options, force=options["force"], as_json=options["json"], quiet=options["quiet"])
