"""``syngain lab``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from syngain.cli import flags
from syngain.cli.common import progress_shown

if TYPE_CHECKING:
    from syngain.lab import PaperProtocol, TablesProtocol

_SIZES = ("k", "j", "l", "dimension", "anchors", "synthetic", "replicates", "points")


def lab(
    preset: str = typer.Argument(help="paper, paper-highdim, bounds, loops, temperature or tables."),
    file: Optional[str] = typer.Argument(
        None, metavar="FILE", help="tables only: your table, in place of those of scikit-learn."
    ),
    seed: int = typer.Option(0, min=0, help="Random seed."),
    quick: bool = typer.Option(False, help="Small version, in seconds."),
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
    output: Path = typer.Option(Path("syngain-lab"), "-o", "--output", help="Folder for the report."),
    json: flags.AsJson = False,
    force: flags.Force = False,
    quiet: flags.Quiet = False,
) -> None:
    """Run simulations with known ground truth."""
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
    from syngain.cli.common import check_files
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
