"""``syngain train DATA --anchor REAL --test T``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from syngain.cli import flags
from syngain.cli.common import configured, deliver, progress_shown, read_sets, remembered, same_run
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.progress import Progress
    from syngain.core.result import Result
    from syngain.data.dataset import Dataset
    from syngain.workflows.train.train import TrainSettings

TRAINERS = ("trl", "plain")


def train(
    context: typer.Context,
    data: str = typer.Argument(..., metavar="DATA", help=f"The synthetic rows: {flags.FILES}."),
    anchor: str = typer.Option(..., "--anchor", help="Your real rows, the anchors."),
    test: Optional[str] = typer.Option(None, help="Real rows to judge on; else a quarter of the anchors stands in."),
    model: str = typer.Option("smollm2", help="The student: smollm2, a folder or a hub name."),
    steps: int = typer.Option(120, min=1, help="Optimizer steps of every arm."),
    seeds: int = typer.Option(3, min=1, help="Repetitions of every arm."),
    minutes: Optional[float] = typer.Option(None, min=1.0, help="Keep to so many: fewer steps, then seeds, then arms."),
    batch: int = typer.Option(8, min=1, help="Rows of a step."),
    max_tokens: int = typer.Option(192, min=16, help="Tokens that are read of a row."),
    rates: str = typer.Option("1e-3,5e-4", help="Learning rates that race, the usual one first."),
    rank: int = typer.Option(8, min=1, help="Rank of the adapters."),
    selected: float = typer.Option(0.5, min=0.0, help="Share of the rows in the arm of selected rows; 0 for none."),
    method: str = typer.Option("faithful_then_diverse", help="Who selects them; a method of `syngain select`."),
    repair: bool = typer.Option(
        False, "--repair", help="Instead: overfit on DATA alone, then repair it in three ways."
    ),
    repair_steps: int = typer.Option(20, min=1, help="With --repair: optimizer steps of each repair."),
    trainer: str = typer.Option("trl", help="trl, or plain: the same steps without it."),
    dtype: str = typer.Option("auto", help="auto, float32 or bf16."),
    device: str = typer.Option("auto", help="auto, cpu or cuda."),
    chat: bool = typer.Option(True, "--chat/--no-chat", help="Lay pairs out by the model's chat template."),
    forecast: bool = typer.Option(True, "--forecast/--no-forecast", help="Ask the fast proxies first."),
    min_gain: float = typer.Option(0.01, help="The smallest gain that matters, in the unit of the deciding measure."),
    output: Path = typer.Option(Path("syngain-train"), "-o", "--output", help="Folder for the report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    text: flags.Text = None,
    label: flags.Label = None,
    source: flags.SourceColumn = None,
    generator: flags.GeneratorColumn = None,
    id: flags.Id = None,  # noqa: A002  (the flag's name)
    json: flags.AsJson = False,
    force: flags.Force = False,
    resume: flags.GoOn = False,
    quiet: flags.Quiet = False,
) -> None:
    """Post-train a student on every arm: the gain that is measured beside the gain that was forecast."""
    options = configured(context, config)
    folder = Path(options["output"])
    from syngain.report import check_folder

    finished = options["resume"] and (folder / "report.json").exists()
    if not finished:
        check_folder(folder, force=options["force"])
    settings = _settings(options)
    work = folder.with_name(f"{folder.name}.work")
    with progress_shown(quiet=options["quiet"] or options["json"]) as progress:
        progress("reading", 0.0)
        sets = read_sets({"pool": None, **options, "real": options["anchor"], "synthetic": options["data"]})
        if finished and same_run(folder, sets, options["seed"]):
            print(f"report: {folder / 'report.html'}")
            return
        result = _result(options, sets, settings, work, progress)
    deliver(
        result,
        folder,
        arguments=options,
        force=options["force"],
        as_json=options["json"],
        quiet=options["quiet"],
        note=remembered(result),
    )
    from syngain.workflows.evaluate.gain_student import clear

    clear(work)


def _result(
    options: Mapping[str, Any], sets: Mapping[str, Dataset], settings: TrainSettings, work: Path, progress: Progress
) -> Result:
    """The arms of the gain, or those of the repair."""
    real, synthetic, test = sets["real"], sets["synthetic"], sets.get("test")
    seed, resume = options["seed"], options["resume"]
    if not options["repair"]:
        from syngain.workflows.train.train import train as measure

        return measure(
            real, synthetic, folder=work, test=test, settings=settings, seed=seed, resume=resume, progress=progress
        )
    from syngain.workflows.train.repair import repair

    return repair(
        real,
        synthetic,
        folder=work,
        test=test,
        model=settings.student,
        steps=settings.steps,
        repair_steps=options["repair_steps"],
        seeds=settings.seeds,
        seed=seed,
        resume=resume,
        progress=progress,
    )


def _settings(options: Mapping[str, Any]) -> TrainSettings:
    """The settings of the students; wrong ones are an error before anything is read."""
    from syngain.learners.causal import CausalProxy
    from syngain.workflows.train.train import TrainSettings

    if options["trainer"] not in TRAINERS:
        raise UsageError(f"--trainer {options['trainer']}", expected=f"one of {', '.join(TRAINERS)}")
    try:
        rates = tuple(float(rate) for rate in str(options["rates"]).split(","))
    except ValueError:
        raise UsageError(f"--rates {options['rates']}", expected="numbers separated by commas: 1e-3,5e-4") from None
    return TrainSettings(
        student=CausalProxy(
            model=options["model"],
            rank=options["rank"],
            rates=rates,
            batch=options["batch"],
            max_tokens=options["max_tokens"],
            dtype=options["dtype"],
            device=options["device"],
            chat=options["chat"],
        ),
        steps=options["steps"],
        seeds=options["seeds"],
        minutes=options["minutes"],
        selected=options["selected"],
        method=options["method"],
        min_gain=options["min_gain"],
        forecast=options["forecast"],
        trainer=options["trainer"],
    )
