"""``syngain gain REAL SYNTHETIC``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from syngain.cli import flags
from syngain.cli.common import configured, deliver, encoder_named, progress_shown, read_sets, remembered, same_run
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.progress import Progress
    from syngain.core.result import Result
    from syngain.data.dataset import Dataset
    from syngain.workflows.evaluate.gain import GainSettings

PROXIES = ("auto", "lm")


def gain(
    context: typer.Context,
    real: flags.Real,
    synthetic: flags.Synthetic,
    test: Optional[str] = typer.Option(None, help="Real rows to measure on; else the gain is forecast from REAL."),
    pool: Optional[str] = typer.Option(None, help="More real rows: what SYNTHETIC is worth in real rows."),
    metric: Optional[str] = typer.Option(
        None, help="Decides the verdict: log_loss (default), accuracy, macro_f1; nats_per_byte without labels."
    ),
    min_gain: float = typer.Option(0.01, help="The smallest gain that matters, in the unit of the metric."),
    test_rows: Optional[int] = typer.Option(
        None, min=10, help="Size of the fresh test that intervals speak of (default: that of --test, or 500)."
    ),
    prior: Optional[str] = typer.Option(None, help="Class shares at test time: spam=.2,ham=.8."),
    slice: Optional[str] = typer.Option(None, help="Columns of REAL by whose values to give the gain: A,B."),  # noqa: A002
    proxy: str = typer.Option("auto", help="auto (linear, trees or n-grams by kind), or lm: fine-tune --model."),
    model: str = typer.Option("smollm2", help="With --proxy lm: smollm2, a folder or a hub name."),
    minutes: float = typer.Option(30.0, min=1.0, help="With --proxy lm: time to plan for and keep to."),
    output: Path = typer.Option(Path("syngain-gain"), "-o", "--output", help="Folder for the report."),
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
    resume: flags.GoOn = False,
    quiet: flags.Quiet = False,
) -> None:
    """Does it help, how much of it, and what is it worth in real rows: measured on a proxy, with all controls."""
    options = configured(context, config)
    folder = Path(options["output"])
    from syngain.report import check_folder

    finished = options["resume"] and (folder / "report.json").exists()
    if not finished:
        check_folder(folder, force=options["force"])
    settings = _settings(options)
    with progress_shown(quiet=options["quiet"] or options["json"]) as progress:
        progress("reading", 0.0)
        data = read_sets(options)
        if finished and same_run(folder, data, options["seed"]):
            print(f"report: {folder / 'report.html'}")
            return
        if options["proxy"] == "lm":
            result = _student(options, data, folder, progress)
        else:
            result = _proxies(options, data, settings, progress)
    deliver(
        result,
        folder,
        arguments=options,
        force=options["force"],
        as_json=options["json"],
        quiet=options["quiet"],
        note=remembered(result),
    )
    if options["proxy"] == "lm":
        from syngain.workflows.evaluate.gain_student import clear

        clear(_work(folder))


def _proxies(
    options: Mapping[str, Any], data: Mapping[str, Dataset], settings: GainSettings, progress: Progress
) -> Result:
    """The gain for a fast proxy by kind of rows."""
    from syngain.workflows.evaluate.gain import gain as measure

    return measure(
        data["real"],
        data["synthetic"],
        test=data.get("test"),
        pool=data.get("pool"),
        seed=options["seed"],
        settings=settings,
        progress=progress,
    )


def _student(options: Mapping[str, Any], data: Mapping[str, Dataset], folder: Path, progress: Progress) -> Result:
    """The gain for a language model; finished arms wait beside the output folder until the report is written."""
    from syngain.workflows.evaluate.gain_student import student_gain

    return student_gain(
        data["real"],
        data["synthetic"],
        folder=_work(folder),
        test=data.get("test"),
        model=options["model"],
        minutes=options["minutes"],
        min_gain=options["min_gain"],
        seed=options["seed"],
        resume=options["resume"],
        progress=progress,
    )


def _work(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.work")


def _settings(options: Mapping[str, Any]) -> GainSettings:
    """The settings of the measurement; wrong ones are an error before anything is read."""
    from syngain.workflows.evaluate.gain import GainSettings

    if options["min_gain"] <= 0:
        raise UsageError(f"--min-gain {options['min_gain']}", expected="a gain above 0", todo="the default is 0.01")
    if options["proxy"] not in PROXIES:
        raise UsageError(f"--proxy {options['proxy']}", expected=f"one of {', '.join(PROXIES)}")
    return GainSettings(
        metric=options["metric"],
        min_gain=options["min_gain"],
        test_rows=options["test_rows"],
        prior=_prior(options["prior"]),
        encoder=encoder_named(options["encoder"]),
        slices=tuple(part.strip() for part in (options["slice"] or "").split(",") if part.strip()),
    )


def _prior(given: str | None) -> dict[str, float] | None:
    """Class shares from ``a=.2,b=.8``.

    Raises:
        UsageError: they are not shares that sum to 1.
    """
    if given is None:
        return None
    todo = "for example --prior spam=.2,ham=.8"
    try:
        parts = dict(part.rsplit("=", 1) for part in given.split(","))
        shares = {name.strip(): float(share) for name, share in parts.items()}
    except ValueError:
        raise UsageError(f"--prior {given}", expected="class=share, separated by commas", todo=todo) from None
    if min(shares.values()) < 0 or abs(sum(shares.values()) - 1) > 1e-3:
        raise UsageError(f"--prior {given}", expected="shares of at least 0 that sum to 1", todo=todo)
    return shares
