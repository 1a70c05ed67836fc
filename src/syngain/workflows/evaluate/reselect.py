"""``syngain select --again``: cut a finished selection at another size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from syngain._version import __version__
from syngain.core.documents.warned import carried
from syngain.core.errors import InputError, UsageError
from syngain.core.result import InputSummary, Result
from syngain.data.files import formats
from syngain.data.files.write import RecordFile
from syngain.report.folder import load
from syngain.selection.narrative.selected import cut_verdict

if TYPE_CHECKING:
    from syngain.data.rows import Record

RANK = "syngain_rank"


@carried
def reselect(run: str | Path, rows: int) -> Result:
    """Cut a finished selection at another size.

    Ranks are reused; the gain at the new size is not measured.

    Args:
        run: the folder of a ``select`` run.
        rows: how many rows to keep.

    Raises:
        InputError: the folder is not a selection, or its rows do not match.
        UsageError: a number of rows out of range.
    """
    run = Path(run)
    report = load(run, first="select")
    if report["command"] != "select":
        raise InputError(
            f"{run} is a run of `syngain {report['command']}`",
            expected="a run of `syngain select`",
            todo="name the folder of a `syngain select` run",
        )
    ordered = [record for name in ("kept", "dropped") for record in _records(run, name)]
    ranks = [record.get(RANK) for record in ordered]
    if ranks != list(range(1, len(ordered) + 1)):
        raise InputError(
            f"{run}: the rows of kept.jsonl and dropped.jsonl are not ranked from 1 to {len(ordered)}",
            expected="both files as the run wrote them",
            todo="run `syngain select` again",
        )
    if not 0 < rows < len(ordered):
        raise UsageError(
            f"{rows:,} of {len(ordered):,} rows to keep",
            expected=f"1 to {len(ordered) - 1:,} rows",
            todo="set --rows in this range",
        )
    return Result(
        command="select",
        version=__version__,
        seed=int(report["seed"]),
        inputs={name: InputSummary(**item) for name, item in report["inputs"].items()},
        estimates={},
        findings=(),
        verdict=cut_verdict(rows, len(ordered), run.name, measured=len(_records(run, "kept"))),
        files={"kept.jsonl": RecordFile(ordered[:rows]), "dropped.jsonl": RecordFile(ordered[rows:])},
        settings={"again": run.name, "rows": rows},
        warnings=tuple(map(str, report.get("warnings", ()))),
    )


def _records(run: Path, name: str) -> list[Record]:
    path = run / f"{name}.jsonl"
    return list(formats.load(path, path.name, {}).rows)
