"""The folder of unfinished work: what a run puts there, and how it is removed without touching other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = frozenset(
    {"identity.json", "settings.json", "plan.json", "store.sqlite", "store.sqlite-wal", "store.sqlite-shm"}
    | {"store.sqlite-journal", "rows.jsonl", "kept.jsonl", "dropped.jsonl", "ledger.jsonl"}
)
INNER = frozenset({"report.json", "report.html", "run.json", "log.txt", "recipe.yaml"})  # of runs within a run
ENDINGS = frozenset({".npz", ".state", ".new", ".part"})
SHOWN = 5  # names in an error


def foreign_files(folder: Path) -> list[str]:
    """Files in a work folder that no run wrote, by their paths within it."""
    return sorted(str(path.relative_to(folder)) for path in _files(folder) if not _is_ours(path, folder))


def check_ours(folder: Path) -> None:
    """Refuse to remove a work folder that holds other files.

    Raises:
        UsageError: it does; the error lists them.
    """
    foreign = foreign_files(folder)
    if foreign:
        raise UsageError(
            f"{folder} also holds {listed(foreign)}, which no run of syngain wrote",
            expected="a work folder with the files of a run only",
            todo="move these files away, or name another folder with -o DIR",
        )


def clear(folder: Path) -> None:
    """Remove the files of a run and the folders that are then empty; other files stay."""
    if folder.is_symlink() or not folder.is_dir():
        return
    for path in list(_files(folder)):
        if _is_ours(path, folder):
            path.unlink(missing_ok=True)
    for place in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        _remove_empty(place)
    _remove_empty(folder)


def listed(names: list[str]) -> str:
    """Some names, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(map(repr, names[:SHOWN])) + (f" and {more:,} more" if more > 0 else "")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _is_ours(path: Path, folder: Path) -> bool:
    """Whether a run wrote this file; a finished run lies within the work of another one, never at its top."""
    return path.name in NAMES or path.suffix in ENDINGS or (path.name in INNER and path.parent != folder)


def _remove_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
