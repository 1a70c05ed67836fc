"""``syngain train REAL SYNTHETIC``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from syngain.cli import flags, settings
from syngain.cli.common import read_sets, refuse
from syngain.cli.job import Job

if TYPE_CHECKING:
    from syngain.cli.job import Inputs
    from syngain.core.progress import Progress
    from syngain.core.result import Result


def train(
    context: typer.Context,
    real: flags.Real,
    synthetic: flags.Synthetic,
    test: Optional[str] = typer.Option(None, help="Real test rows (default: hold out 25% of REAL)."),
    model: str = typer.Option("smollm2", help="Model to fine-tune: smollm2, a folder or a hub name."),
    steps: int = typer.Option(120, min=1, help="Optimizer steps per variant."),
    n_repeats: int = typer.Option(3, min=1, help="Repetitions per variant."),
    minutes: Optional[float] = typer.Option(None, min=1.0, help="Time budget; reduces steps, seeds, then variants."),
    batch: int = typer.Option(8, min=1, help="Rows per step."),
    max_tokens: int = typer.Option(192, min=16, help="Truncate rows to N tokens."),
    rates: str = typer.Option("1e-3,5e-4", help="Learning rates to try, default first."),
    rank: int = typer.Option(8, min=1, help="Rank of the adapters."),
    selected: float = typer.Option(0.5, min=0.0, help="Fraction of rows in the selected-rows variant; 0: none."),
    method: str = typer.Option("faithful_then_diverse", help="Selection method, as in `syngain select`."),
    repair: bool = typer.Option(False, "--repair", help="Overfit on SYNTHETIC alone, then repair in three ways."),
    repair_steps: int = typer.Option(20, min=1, help="With --repair: optimizer steps per repair."),
    retain: Optional[str] = typer.Option(None, help="With --repair: real rows of other kinds; measure forgetting."),
    trainer: str = typer.Option("trl", help="trl, or plain: the same steps without TRL."),
    dtype: str = typer.Option("auto", help="auto, float32 or bf16."),
    device: str = typer.Option("auto", help="auto, cpu or cuda."),
    chat: bool = typer.Option(True, "--chat/--no-chat", help="Format pairs with the model's chat template."),
    loss: flags.LossTokensFlag = "completion",
    forecast: bool = typer.Option(True, "--forecast/--no-forecast", help="Forecast the gain with proxy models first."),
    min_gain: float = typer.Option(0.01, help="Smallest gain that matters, in the unit of the metric."),
    output: Path = typer.Option(Path("syngain-train"), "-o", "--output", help="Folder for the report."),
    config: flags.Config = None,
    seed: flags.Seed = 0,
    text: flags.Text = None,
    encoding: flags.Encoding = None,
    label: flags.Label = None,
    source_id: flags.SourceId = None,
    generator: flags.GeneratorColumn = None,
    id: flags.Id = None,
    json: flags.AsJson = False,
    force: flags.Force = False,
    resume: flags.Resume = False,
    everything: flags.Everything = False,
    quiet: flags.Quiet = False,
) -> None:
    """Fine-tune a small LM and verify the forecast."""
    job = Job.of(context, config, settings.train)
    if not job["repair"]:
        refuse(context, {"repair_steps", "retain"}, "without --repair")

    def measure(data: Inputs, progress: Progress) -> Result:
        if job["repair"]:
            from syngain.workflows.train.repair import repair as verb
        else:
            from syngain.workflows.train.train import train as verb  # type: ignore[assignment]
        work: dict[str, Any] = {"folder": job.work, "resume": job["resume"], "seed": job["seed"], "progress": progress}
        others: dict[str, Any] = {"retain": data["retain"]} if "retain" in data else {}
        return verb(data["real"], data["synthetic"], test=data.get("test"), **work, **others, **job.arguments)

    job.run(measure, inputs=lambda: read_sets(job.options))
