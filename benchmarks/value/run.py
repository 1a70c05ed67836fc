"""Run the battery, or the part of it that is not done yet, and write its table.

    python -m benchmarks.value [--only hypo-l] [--limit 20] [--minutes 10] [-o bench-value]

One line of JSON per case and answer goes to ``results.jsonl`` in the output folder as soon as it is known; a line that
is there is never computed again, so the battery can be run in pieces. ``table.md``, ``figure.svg`` and ``run.json`` are
written at the end of every piece. A case of your own is a folder with three files: ``anchors.*``, ``synthetic.*`` and
``test.*`` (``--cases FOLDER``, several times).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.value.cases import Case, cases, own_task
from benchmarks.value.figure import figure
from benchmarks.value.neighbors import everyone, versions
from benchmarks.value.outcomes import Bench
from benchmarks.value.page import page
from benchmarks.value.predictors import SETTINGS, Seen
from benchmarks.value.results import OUTCOME, Results, of_outcome, of_prediction
from benchmarks.value.table import told
from benchmarks.value.tasks import TASKS

from syngain._version import __version__
from syngain.core.errors import InputError, SyngainError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.value.cases import Task
    from benchmarks.value.predictors import Predictor


BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
PICTURE = "![Rank correlation and regret of every predictor, with 90 % intervals over tasks](images/value.svg)"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    given = _parser().parse_args(arguments)
    try:
        _run(given)
    except SyngainError as error:
        say(str(error))
        sys.exit(error.exit_code)


def _run(given: argparse.Namespace) -> None:
    results = Results.at(given.out / "results.jsonl", given.setting)
    predictors = everyone(given.setting, say)
    if not given.table:
        answer(_wanted(given), predictors, results, minutes=given.minutes)
    found = told(results.lines.values())
    if not found:
        say("no case is done yet")
        return
    zeros = {p.name: p.zero for p in predictors if any(p.name in case.scores for case in found)}
    drawn = 1 + max(case.split for case in found)
    command = f"python -m benchmarks.value --splits {drawn} --setting {given.setting}"
    about = {"syngain": __version__, "Python": platform.python_version(), **versions()}
    table = page(found, zeros, command=command, versions=about)
    run = {"command": command, "arguments": sys.argv[1:], "versions": about, "cpu": _cpu(results)}
    for name, text in {
        "table.md": table,
        "figure.svg": figure(found, zeros),
        "run.json": json.dumps(run, indent=1) + "\n",
    }.items():
        _write(given.out / name, text)
    if given.docs:
        _document(given.docs, table, figure(found, zeros))
    print(table)


def answer(
    wanted: Iterator[Case], predictors: Sequence[Predictor], results: Results, *, minutes: float | None = None
) -> None:
    """Ask everyone about every case that is not answered yet; stop between cases after so many minutes of CPU."""
    bench, started = Bench(), time.process_time()
    for case in wanted:
        if minutes is not None and time.process_time() - started > 60 * minutes:
            say(f"stopped after {minutes:g} minutes of CPU; the same command resumes")
            return
        before, done = time.process_time(), 0
        if not results.has(case, OUTCOME):
            outcome = bench.outcome(case)
            results.add(case, OUTCOME, of_outcome(outcome, time.process_time() - before))
            done += 1
        seen = Seen.of(case)
        for predictor in predictors:
            if not results.has(case, predictor.name):
                results.add(case, predictor.name, _asked(predictor, seen))
                done += 1
        if done:
            say(f"{case.name}: {done} answers, {time.process_time() - before:.1f} s of CPU")


def _asked(predictor: Predictor, seen: Seen) -> dict[str, object]:
    before = time.process_time()
    setting = {"setting": predictor.setting} if hasattr(predictor, "setting") else {}
    try:
        prediction = predictor.predict(seen)
    except InputError as error:
        return {"value": None, "reason": str(error), "zero": predictor.zero, **setting}
    return {**of_prediction(prediction, time.process_time() - before, zero=predictor.zero), **setting}


def _wanted(given: argparse.Namespace) -> Iterator[Case]:
    """Cases drawing by drawing, so that a piece of the battery has all tasks."""
    asked = 0
    tasks: dict[str, Task] = {}
    own = {folder.name: folder for folder in given.cases}
    names = [*own] if own and not given.builtin else [*own, *TASKS]
    heads = [part.partition("/")[0] for part in given.only]
    if heads and all(any(head in name for name in names) for head in heads):  # else an arm is named
        names = [name for name in names if any(head in name for head in heads)]
    for split in range(given.splits):
        for name in names:
            if name not in tasks:
                tasks[name] = own_task(own[name]) if name in own else TASKS[name](given.data)
            for case in cases(tasks[name], split):
                if given.only and not any(part in case.name for part in given.only):
                    continue
                if given.limit is not None and asked >= given.limit:
                    return
                asked += 1
                yield case


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _document(docs: Path, table: str, picture: str) -> None:
    """Put figure and table between the marks of the page of the documentation."""
    path = docs / "value.md"
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise InputError(f"{path.name} has no place for the table", expected=f"the lines {BEGIN} and {END}")
    _write(path, f"{before}{BEGIN}\n\n{PICTURE}\n\n{table}\n{END}{after}")
    _write(docs / "images" / "value.svg", picture)


def _cpu(results: Results) -> dict[str, float]:
    """Seconds by who answered, over all lines."""
    out: dict[str, float] = {}
    for (_, _, _, what), record in results.lines.items():
        out[what] = round(out.get(what, 0.0) + record.get("cpu", 0.0), 1)
    return out


def say(text: str) -> None:
    """Talk; stdout is the table."""
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.value", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(os.environ.get("SYNGAIN_DATA") or "../shared/data")
    parser.add_argument("--data", type=Path, default=default, help="folder of the built-in tasks (SYNGAIN_DATA)")
    parser.add_argument("--cases", type=Path, action="append", default=[], help="folder of a case of your own")
    parser.add_argument("--builtin", action="store_true", help="run the built-in tasks next to your own cases")
    parser.add_argument(
        "--only", action="append", default=[], help="cases whose name (task/drawing/variant) has this; repeatable"
    )
    parser.add_argument("--limit", type=int, help="at most so many cases, done ones included")
    parser.add_argument("--minutes", type=float, help="stop after so many minutes of CPU")
    parser.add_argument("--splits", type=int, default=2, help="drawings of the real rows of every task")
    parser.add_argument("--setting", choices=sorted(SETTINGS), default="quick", help="of our forecast")
    parser.add_argument("--table", action="store_true", help="only write the table of what is done")
    parser.add_argument("--docs", type=Path, help="also put table and figure into this folder's value.md and images")
    parser.add_argument("-o", "--out", type=Path, default=Path("bench-value"), help="output folder")
    return parser
