"""``syngain strategies RECIPE... --real REAL --test TEST``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from syngain.cli import flags
from syngain.cli.common import read_sets
from syngain.cli.job import Job
from syngain.cli.settings import proxy_named
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.cli.job import Inputs
    from syngain.core.progress import Progress
    from syngain.core.result import Result


def strategies(
    context: typer.Context,
    recipes: list[str] = typer.Argument(..., metavar="RECIPE...", help="YAML; every strategy in them is compared."),
    real: Optional[str] = typer.Option(None, help=f"Your real rows: {flags.FILES}."),
    test: Optional[str] = typer.Option(None, help="Real test rows, for divergence and gain."),
    n_repeats: int = typer.Option(1, min=1, help="Random draws of real rows for the prompts."),
    real_rows: Optional[int] = typer.Option(None, min=20, help="Real rows per draw (default: all, or half)."),
    prompts: int = typer.Option(8, min=0, help="Prompts per strategy to cross-score; 0: none."),
    samples: int = typer.Option(2, min=1, help="Outputs per prompt to cross-score."),
    pairs: int = typer.Option(20, min=0, help="Pairs per supersample for memorization; 0: none."),
    masks: int = typer.Option(6, min=2, help="Train/test masks per supersample."),
    students: int = typer.Option(0, min=0, help="Strategies to fine-tune MODEL on as well; 0: none."),
    proxy: flags.Proxy = "auto",
    model: flags.FrozenModel = "smollm2",
    output: Path = typer.Option(Path("syngain-strategies"), "-o", "--output", help="Folder for the report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    text: flags.Text = None,
    encoding: flags.Encoding = None,
    label: flags.Label = None,
    id: flags.Id = None,
    json: flags.AsJson = False,
    force: flags.Force = False,
    resume: flags.Resume = False,
    everything: flags.Everything = False,
    quiet: flags.Quiet = False,
) -> None:
    """Rank generation strategies by their measured gain."""
    job = Job.of(context, config, arguments_of)

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.research.strategies import strategies as verb

        work = {"folder": job.work, "resume": job["resume"]}
        return verb(real=data["real"], test=data["test"], seed=job["seed"], progress=progress, **work, **job.arguments)

    job.run(measure, inputs=lambda: read_sets({**job.options, "synthetic": None}))


def arguments_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Recipes by the name of their file; draws, sizes, proxy.

    Raises:
        UsageError: --real or --test is missing, or two recipes have one name. InputError: a recipe that cannot be used.
    """
    from syngain.pipeline.recipe import read_recipe
    from syngain.workflows.research.strategy_settings import StrategySettings

    missing = " and ".join(f"--{name}" for name in ("real", "test") if not options[name])
    if missing:
        raise UsageError(
            f"{missing} missing",
            expected="real rows for the prompts, and real test rows",
            todo="add --real FILE --test FILE, or both keys to the configuration file",
        )
    settings = StrategySettings(
        draws=options["n_repeats"],
        anchors=options["real_rows"],
        prompts=options["prompts"],
        samples=options["samples"],
        pairs=options["pairs"],
        masks=options["masks"],
        students=options["students"],
        proxy=proxy_named(options),
        model=options["model"],
    )
    recipes: dict[str, Any] = {}
    for path in options["recipes"]:
        name = Path(path).stem
        if name in recipes:
            raise UsageError(
                f"two recipes are named {name}", expected="different names", todo="rename one of the files"
            )
        recipes[name] = read_recipe(path).model_dump(mode="json")
    return {"recipes": recipes, "settings": settings}
