"""``syngain review``: a sheet of rows of each finding to fill in, and the precision from the filled sheet."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syngain.audit.review import Reviewed
from syngain.core.documents.json_documents import json_object
from syngain.core.errors import InputError, UsageError
from syngain.data.files import formats
from syngain.data.files.write import write_records, write_text
from syngain.report.folder import load
from syngain.report.reviewed import with_review

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FLAGGED = "flagged.jsonl"
ANSWER = "correct"  # the column to fill in
YES = frozenset({"yes", "y", "true", "1", "1.0", "x", "ok"})
NO = frozenset({"no", "n", "false", "0", "0.0"})
FORMULA = ("=", "+", "-", "@", "\t", "\r")
ROWS = 50


@dataclass(frozen=True, slots=True)
class Review:
    """Rows to review, or the result of a review.

    Attributes:
        rows: the lines of the sheet. findings: those reviewed, with their precision; empty before the sheet is filled.
        open_rows: lines without an answer.
    """

    rows: Sequence[Mapping[str, object]]
    findings: tuple[Reviewed, ...] = ()
    open_rows: int = 0

    def write(self, path: str | Path, *, force: bool = False) -> None:
        """Write the sheet: CSV, TSV, JSON lines, by the name; a file of this name is replaced with ``force`` only.

        Raises:
            UsageError: the file exists already, or cannot be written.
        """
        if Path(path).exists() and not force:
            raise UsageError(
                f"{path} exists already",
                expected="a new file: it may be a filled sheet",
                todo=f"name another file with -o, read it with --filled {path}, or replace it with --force",
            )
        rows = [{name: _cell(value) for name, value in row.items()} for row in self.rows]
        if Path(path).suffix.lower() == ".csv":
            write_text(path, f"\ufeff{_csv(rows)}")  # spreadsheets take UTF-8 for what it is after this mark
        else:
            write_records(path, rows)


def review(run: str | Path, filled: str | Path | None = None, *, rows: int = ROWS) -> Review:
    """Sample rows of each finding for a review by hand, or read the filled sheet.

    Args:
        run: the run folder of an audit.
        filled: a sheet with ``yes`` or ``no`` in the column ``correct``: whether the row has the defect. The measured
            precision enters ``report.json`` and ``report.html`` of the run.
        rows: sampled rows of each finding, at most 200.

    Returns:
        The sheet, with the reviewed findings where one was read.

    Raises:
        InputError: no such run or sheet, a sheet of another run, or an answer that is neither yes nor no.
        UsageError: ``rows`` out of range.
    """
    if not 1 <= rows <= 200:
        raise UsageError(f"{rows} rows per finding", expected="1 to 200", todo="pass rows=50")
    folder = Path(run) if Path(run).is_dir() else Path(run).parent
    report = load(run)
    sampled = _sampled(folder, [str(one["id"]) for one in report["findings"]])
    if filled is None:
        return Review(tuple(_sheet(sampled, rows)))
    answers, unanswered = _answers(Path(filled), sampled)
    found = tuple(Reviewed.of(name, int(str(sampled[name][0]["flagged"])), given) for name, given in answers.items())
    for name, text in with_review(folder, {one.finding: (one.precision, _sentence(one)) for one in found}).items():
        write_text(folder / name, text)
    return Review(tuple(_sheet(sampled, rows)), found, unanswered)


def _sampled(folder: Path, findings: Sequence[str]) -> dict[str, list[Mapping[str, object]]]:
    """The sampled rows by finding."""
    path = folder / FLAGGED
    out: dict[str, list[Mapping[str, object]]] = defaultdict(list)
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json_object(line)
            out[str(row["finding"])].append(row)
    except FileNotFoundError:
        raise _no_rows(path, findings) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} cannot be read ({error})", expected="the rows that the audit wrote", todo="run the audit again"
        ) from error
    return dict(out)


def _no_rows(path: Path, findings: Sequence[str]) -> InputError:
    """Why a run has no rows to review."""
    if not findings:
        return InputError(
            f"{path.parent} has no finding: there is nothing to review",
            expected="a run of `syngain audit` with findings",
            todo="review another run",
        )
    return InputError(
        f"there is no {path}, the rows of {', '.join(findings)}",
        expected="a run of `syngain audit` of this version, with findings that name rows",
        todo="run `syngain audit` again with --force",
    )


def _sheet(sampled: Mapping[str, Sequence[Mapping[str, object]]], rows: int) -> Iterator[Mapping[str, object]]:
    for lines in sampled.values():
        for line in lines[:rows]:
            named = {name: value for name, value in line.items() if name not in {"finding", "flagged", "reason"}}
            yield {"finding": line["finding"], "reason": line["reason"], ANSWER: "", "note": "", **named}


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    buffer = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(buffer, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _answers(path: Path, sampled: Mapping[str, Sequence[Mapping[str, object]]]) -> tuple[dict[str, list[bool]], int]:
    """The answers by finding, and the number of lines without one."""
    loaded = formats.load(path, path.name, {})
    for column in ("finding", "row", ANSWER):
        if column not in loaded.fields:
            raise InputError(
                f"{path}: no column `{column}`",
                expected="the sheet that `syngain review RUN` wrote, with its columns",
                todo="fill in the column `correct` and keep the others",
            )
    known = {(name, str(line["row"])): line for name, lines in sampled.items() for line in lines}
    given: dict[tuple[str, str], bool] = {}
    unanswered = 0
    for number, line in enumerate(loaded.rows):
        if not any(str(line.get(name) or "").strip() for name in ("finding", "row", ANSWER)):
            continue  # a line without content, as spreadsheets leave them
        key = (str(line["finding"]), str(line["row"]).removesuffix(".0"))
        if key not in known or str(line.get("id", known[key]["id"])).lstrip("'") != str(known[key]["id"]).lstrip("'"):
            raise _foreign(loaded.place(number), key)
        answer = _answer(line.get(ANSWER), loaded.place(number))
        if answer is None:
            unanswered += 1
        elif given.setdefault(key, answer) != answer:
            raise InputError(
                f"{loaded.place(number)}: row {key[1]} is answered with yes and with no",
                expected="one answer for each row of a finding",
                todo="correct one of the two lines",
            )
    out: dict[str, list[bool]] = defaultdict(list)
    for (name, _), answer in given.items():
        out[name].append(answer)
    if not out:
        raise InputError(
            f"{path}: the column `{ANSWER}` is empty",
            expected="yes or no: whether the row has the defect",
            todo="fill in some rows, then read the sheet again",
        )
    return dict(out), unanswered


def _answer(value: object, place: str) -> bool | None:
    word = "" if value is None else str(value).strip().lower()
    if word in YES or word in NO:
        return word in YES
    if word:
        raise InputError(
            f"{place}: `{ANSWER}` is {word[:40]!r}",
            expected="yes or no (y, n, 1, 0, true, false), or empty",
            todo="correct this cell",
        )
    return None


def _foreign(place: str, key: tuple[str, str]) -> InputError:
    return InputError(
        f"{place}: row {key[1]} of the finding {key[0]!r} is not among the sampled rows of this run",
        expected="the sheet that `syngain review RUN` wrote for the same run",
        todo="pass the run folder that the sheet was written for",
    )


def _sentence(one: Reviewed) -> str:
    low, high = one.precision.interval(0.9)
    return (
        f"{one.correct} of {one.rows} reviewed rows have the defect: precision {one.precision.value:.0%} "
        f"(90% CI {low:.0%} to {high:.0%} of {one.flagged:,} rows)"
    )
