"""``syngain ggmi REAL SYNTHETIC``."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import typer

from syngain.cli import flags
from syngain.cli.common import configured, deliver, encoder_named, progress_shown, read_sets, same_run


def ggmi(
    context: typer.Context,
    real: flags.Real,
    synthetic: flags.Synthetic,
    test: Optional[str] = typer.Option(None, help="Real rows on which the gain beside it is measured."),
    pairs: int = typer.Option(100, min=10, help="Most pairs of a supersample."),
    masks: int = typer.Option(20, min=4, help="Masks of each supersample."),
    draws: int = typer.Option(6, min=2, help="Supersamples of each side."),
    model: Optional[str] = typer.Option(None, help="A language model as the learner: smollm2, a folder, a hub name."),
    steps: int = typer.Option(20, min=1, help="With --model: optimizer steps of every fit."),
    gain: bool = typer.Option(True, "--gain/--no-gain", help="Measure the gain beside it (the quick setting)."),
    output: Path = typer.Option(Path("syngain-ggmi"), "-o", "--output", help="Folder for the report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    encoder: flags.Encoder = "ngrams",
    text: flags.Text = None,
    label: flags.Label = None,
    source: flags.SourceColumn = None,
    generator: flags.GeneratorColumn = None,
    id: flags.Id = None,  # noqa: A002  (the flag's name)
    json: flags.AsJson = False,
    force: flags.Force = False,
    resume: flags.KeepFinished = False,
    quiet: flags.Quiet = False,
) -> None:
    """How much learners give away of the rows they learned from: information, the gap it bounds, and GGMI."""
    options = configured(context, config)
    folder = Path(options["output"])
    from syngain.report import check_folder

    finished = options["resume"] and (folder / "report.json").exists()
    if not finished:
        check_folder(folder, force=options["force"])
    with progress_shown(quiet=options["quiet"] or options["json"]) as progress:
        from syngain.gain.generalization import Masks
        from syngain.learners.causal import CausalProxy
        from syngain.workflows.research.ggmi import GgmiSettings
        from syngain.workflows.research.ggmi import ggmi as measure

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
