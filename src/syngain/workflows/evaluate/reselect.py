"""A finished selection cut at another size: nothing is ranked again, and nothing is said of what was not measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain._version import __version__
from syngain.core.errors import InputError, UsageError
from syngain.core.result import InputSummary, Result, Verdict
from syngain.data import write_records
from syngain.data.files import formats
from syngain.report.folder import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from syngain.data.rows import Record

RANK = "syngain_rank"


@dataclass(frozen=True)
class Cut:
    """A result with all rows of the selection, best first, of which the first ``rows`` are kept."""

    result: Result
    ordered: Sequence[Record]
    rows: int


def reselect(run: Path, rows: int) -> Cut:
    """Cut a finished selection at another size.

    Args:
        run: the folder of a ``select`` run.
        rows: how many rows to keep.

    Raises:
        InputError: the folder is no selection, or its rows do not belong together.
        UsageError: a number of rows that is no choice.
    """
    report = load(run)
    if report["command"] != "select":
        raise InputError(f"{run} is a run of {report['command']}", expected="a run of `syngain select`")
    ordered = [record for name in ("kept", "dropped") for record in _records(run, name)]
    ranks = [record.get(RANK) for record in ordered]
    if ranks != list(range(1, len(ordered) + 1)):
        raise InputError(
            f"{run}: the rows of kept.jsonl and dropped.jsonl are not ranked from 1 to {len(ordered)}",
            expected="both files as the run wrote them",
            todo="run `syngain select` again",
        )
    if not 0 < rows < len(ordered):
        raise UsageError(f"{rows:,} of {len(ordered):,} rows to keep", expected="at least one row fewer than there are")
    measured = len(_records(run, "kept"))
    said = (
        f"Cut at {rows:,} of {len(ordered):,} rows by the ranks of {run.name}. Its gain was measured at {measured:,} "
        "rows and not at this size."
    )
    result = Result(
        command="select",
        version=__version__,
        seed=int(report["seed"]),
        inputs={name: InputSummary(**item) for name, item in report["inputs"].items()},
        estimates={},
        findings=(),
        verdict=Verdict(decision="cannot_tell", sentence=said),
    )
    return Cut(result, ordered, rows)


def write_cut(cut: Cut) -> Callable[[Path], None]:
    """A writer of ``kept.jsonl`` and ``dropped.jsonl`` with the ranks, scores and reasons they had."""

    def write(folder: Path) -> None:
        write_records(folder / "kept.jsonl", cut.ordered[: cut.rows])
        write_records(folder / "dropped.jsonl", cut.ordered[cut.rows :])

    return write


def _records(run: Path, name: str) -> list[Record]:
    path = run / f"{name}.jsonl"
    return list(formats.load(path, path.name, {}).rows)
