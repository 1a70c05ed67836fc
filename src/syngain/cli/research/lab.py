"""``syngain lab``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from syngain.cli import flags
from syngain.cli.common import check_files, progress_shown, refuse
from syngain.cli.job import Job
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.cli.job import Inputs
    from syngain.core.progress import Progress
    from syngain.core.result import Result
    from syngain.lab import PaperProtocol, TablesProtocol

_LLM = ("real", "test", "generator", "about", "rows", "students", "resume", "everything")
_SIZES = ("k", "j", "l", "dimension", "anchors", "synthetic", "replicates", "points")


def lab(
    context: typer.Context,
    preset: str = typer.Argument(help="paper, paper-highdim, bounds, loops, temperature, tables or llm."),
    file: Optional[str] = typer.Argument(
        None, metavar="FILE", help="tables only: your table, in place of those of scikit-learn."
    ),
    seed: int = typer.Option(0, min=0, help="Random seed."),
    quick: bool = typer.Option(False, help="Small version, in seconds (llm: minutes)."),
    estimator: str = typer.Option("exact", help="paper only: exact, seed-compatible (the published one) or both."),
    k: int = typer.Option(None, "--k", help="paper only: components with real rows, where K is not swept."),
    j: int = typer.Option(None, "--j", help="paper only: components only the generator knows."),
    l: int = typer.Option(None, "--l", help="paper only: components of the generator that are not true."),
    dimension: int = typer.Option(None, help="paper only."),
    anchors: int = typer.Option(None, help="paper only: real rows per component."),
    synthetic: int = typer.Option(None, help="paper only: synthetic points."),
    replicates: int = typer.Option(None, help="paper only."),
    points: int = typer.Option(None, help="paper only: Monte Carlo points."),
    label: Optional[str] = typer.Option(None, help="tables only: column of classes of FILE, for F1."),
    real: Optional[str] = typer.Option(None, help="llm only: real rows (default: built-in sentences)."),
    test: Optional[str] = typer.Option(None, help="llm only: other real rows, to measure on."),
    generator: str = typer.Option("smollm2", help="llm only: smollm2, another local model, or toy."),
    about: Optional[str] = typer.Option(None, help="llm only: what the rows are, such as `questions of customers`."),
    rows: Optional[int] = typer.Option(None, min=20, help="llm only: generated rows per strategy."),
    students: Optional[int] = typer.Option(None, min=0, help="llm only: strategies to fine-tune the model on as well."),
    output: Path = typer.Option(Path("syngain-lab"), "-o", "--output", help="Folder for the report."),
    json: flags.AsJson = False,
    force: flags.Force = False,
    resume: bool = typer.Option(False, help="llm only: resume a stopped run; keep a finished one."),
    everything: bool = typer.Option(False, "--all", help="llm only: print every measure."),
    quiet: flags.Quiet = False,
) -> None:
    """Run simulations with known ground truth."""
    if preset == "llm":
        _llm(context)
        return
    refuse(context, _LLM, f"with the preset {preset}")
    from syngain.report import check_folder

    check_folder(output, force=force)
    sizes = dict(zip(_SIZES, (k, j, l, dimension, anchors, synthetic, replicates, points), strict=True))
    given: dict[str, Any] = {name: value for name, value in sizes.items() if value is not None}
    table = {name: value for name, value in (("real", file), ("label", label)) if value is not None}
    with progress_shown(quiet=quiet or json) as progress:
        from syngain.lab import run

        protocol = _table_protocol(table) if table else _protocol(given, quick=quick) if given else None
        result = run(
            preset, seed=seed, quick=quick, estimator=estimator, protocol=protocol, progress=progress
        ).as_json()
    from syngain.report.lab.page import lab_json, lab_terminal, write_lab

    arguments = {"preset": preset, "seed": seed, "quick": quick, "estimator": estimator, **given, **table}
    write_lab(result, output, run={"arguments": arguments}, force=force)
    if json:
        sys.stdout.write(lab_json(result))
        return
    if not quiet:
        print(lab_terminal(result))
    print(f"report: {output / 'report.html'}")


def _table_protocol(table: dict[str, str]) -> TablesProtocol:
    """The comparison of orders on a table of your own."""
    from syngain.lab import TablesProtocol

    check_files([table["real"]] if "real" in table else [])
    return TablesProtocol(real=table.get("real"), label=table.get("label"))


def _protocol(given: dict[str, int], *, quick: bool) -> PaperProtocol:
    """The published protocol with the sizes that were given."""
    from syngain.lab import World, paper_protocol

    world = World(
        k=given.get("k", 2),
        j=given.get("j", 2),
        l=given.get("l", 2),
        dimension=given.get("dimension", 2),
        anchors_per_component=given.get("anchors", 50),
        synthetic=given.get("synthetic", 200),
    )
    return paper_protocol(world, quick=quick, replicates=given.get("replicates"), points=given.get("points"))


def _llm(context: typer.Context) -> None:
    """Strategies of a language model, next to exactly solved simulations."""
    refuse(context, (*_SIZES, "estimator", "file", "label"), "with the preset llm")
    job = Job.of(context, None, arguments_of)

    def rows() -> Inputs:
        from syngain.workflows.research.lab_llm import lab_rows

        check_files((job["real"], job["test"]))
        return lab_rows(job["real"], job["test"], quick=job["quick"], seed=job["seed"])

    def measure(data: Inputs, progress: Progress) -> Result:
        from syngain.workflows.research.lab_llm import lab_llm

        work = {"folder": job.work, "resume": job["resume"]}
        return lab_llm(data["real"], test=data["test"], seed=job["seed"], progress=progress, **work, **job.arguments)

    job.run(measure, inputs=rows)


def arguments_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The generator, what its prompts call the rows, and how many cells.

    Raises:
        UsageError: one file of rows without the other.
    """
    if (options["real"] is None) != (options["test"] is None):
        came = "--test without --real" if options["real"] is None else "--real without --test"
        raise UsageError(came, expected="both, or neither for built-in sentences", todo="give both files")
    about = options["about"]
    if about is None:
        from syngain.workflows.research.lab_llm import ABOUT, OTHERS

        about = ABOUT if options["real"] is None else OTHERS
    chosen = {name: options[name] for name in ("generator", "quick", "rows", "students")}
    return {**chosen, "about": about}
