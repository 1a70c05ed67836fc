"""Convert every layout to every target, let the trainers' own code read the rows, and write the matrix.

    python benchmarks/conversions.py --trainers FOLDER --tokenizer FOLDER [--write docs/reference/conversions.md]

FOLDER holds one folder per trainer with its package (``pip install --no-deps --target FOLDER/llamafactory
llamafactory``, and so for axolotl and oumi). A trainer without a folder is taken from this environment. A cell is right
if the trainer takes exactly the rows that were written and reads each one as it was meant, but for what was named.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from typing import TYPE_CHECKING

import syngain
from conversion_rows import HARD
from reading_layouts import LAYOUTS, ROWS
from syngain.core.errors import SyngainError
from syngain.data.layouts.entry import LayoutError
from syngain.data.layouts.trainers import TRAINERS

if TYPE_CHECKING:
    from syngain.data.layouts.trainers.meaning import Meaning, MeantTurn
from syngain.data.layouts.trainers.message_content import NO_JSON

TARGETS = ("trl", "llama_factory", "axolotl", "oumi", "openai", "unsloth", "nemo", "messages", "distilabel")
JUDGED = {name: name for name in TARGETS if name != "openai"} | {"messages": "trl"}
UNJUDGED = {("messages", "kto"), ("nemo", "preference"), ("", "prompts")}  # no code of a trainer reads these files
FOLDERS = {"llama_factory": "llamafactory", "unsloth": "unsloth_zoo"}


@dataclass
class Cell:
    """One source in one target."""

    read: int = 0
    written: int = 0
    lost: list[str] = field(default_factory=list)
    why: str = ""
    file: str = ""
    stage: str = ""
    taken: int | None = None
    wrong: list[str] = field(default_factory=list)


def main() -> int:
    """Make the matrix; exit code 1 where a cell is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trainers", type=Path, required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--write", type=Path)
    parser.add_argument(
        "--only", nargs="*", default=tuple(dict.fromkeys(JUDGED.values())), help="trainers whose code is run"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cells = converted(Path(folder))
        versions = {}
        for trainer in options.only:
            versions[trainer] = judge(trainer, cells, options)
    page = rendered(cells, versions)
    wrong = [f"{source} -> {target}: {cell.wrong[0]}" for (source, target), cell in cells.items() if cell.wrong]
    print("\n".join(wrong))
    judged = sum(cell.taken is not None for cell in cells.values())
    print(f"{len(cells)} cells, {judged} read by the trainers' own code, {len(wrong)} wrong; {versions}")
    if options.write:
        options.write.write_text(page, encoding="utf-8")
    return int(bool(wrong))


def converted(folder: Path) -> dict[tuple[str, str], Cell]:
    """Every source in every target, with ``lossy``."""
    sources = {name: [make(i) for i in range(ROWS)] for name, (make, _) in LAYOUTS.items()} | HARD
    out = {}
    for name, rows in sources.items():
        file = folder / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        for target in TARGETS:
            cell = out[name, target] = Cell(read=len(rows))
            (folder / target).mkdir(exist_ok=True)
            place = folder / target / f"{name}.jsonl"
            try:
                done = syngain.convert(file, place, to=target, lossy=True)
            except SyngainError as error:
                cell.why = str(error).split(": ", 1)[-1].split(". Expected")[0]
                continue
            cell.written, cell.lost, cell.file = done.written, list(done.lost), str(place)
            cell.lost += [f"{count} rows: {why}" for why, count in done.skipped.items()]
            first = json.loads(place.read_text(encoding="utf-8").splitlines()[0])
            cell.stage = stage_of(first)
    return out


def stage_of(row: dict) -> str:
    """The stage of training that a written row is for."""
    if "rejected" in row or "non_preferred_output" in row or "completions" in row or "ratings" in row:
        return "preference"
    if "kto_tag" in row or ("completion" in row and isinstance(row.get("label"), bool)):
        return "kto"
    if (
        "messages" in row
        and not any(item["role"] == "assistant" for item in row["messages"])
        and "generation" not in row
    ):
        return "prompts"
    spoken = {"messages", "conversations", "completion", "instruction"} & row.keys()
    return "sft" if spoken else "text" if "text" in row else "prompts"


def judge(trainer: str, cells: dict[tuple[str, str], Cell], options: argparse.Namespace) -> str:
    """Let a trainer read the cells of its targets; the version of the trainer."""
    mine = {
        key: cell
        for key, cell in cells.items()
        if JUDGED.get(key[1]) == trainer and cell.file and {(key[1], cell.stage), ("", cell.stage)}.isdisjoint(UNJUDGED)
    }
    place = options.trainers / FOLDERS.get(trainer, trainer)
    paths = [str(place), str(options.trainers / "stubs")] if place.is_dir() else []
    command = [sys.executable, str(Path(__file__).parent / "conversion_judges.py"), trainer, options.tokenizer]
    only = {"messages": ["messages", "tools"]}  # what a chat template takes; other columns are the user's
    jobs = json.dumps(
        [{"file": cell.file, "stage": cell.stage, "only": only.get(key[1], [])} for key, cell in mine.items()]
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(command, input=jobs, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{trainer}: {done.stderr[-2000:]}")
    answer = json.loads(done.stdout[done.stdout.index('{"version"') :])
    for (key, cell), readings in zip(mine.items(), answer["readings"], strict=True):
        lines = Path(cell.file).read_text(encoding="utf-8").splitlines()
        cell.taken = sum("refused" not in reading for reading in readings)
        for line, reading in zip(lines, readings, strict=True):
            fault = compared(key[1], cell.stage, json.loads(line), reading)
            if fault:
                cell.wrong.append(fault)
    return str(answer["version"])


def compared(target: str, stage: str, row: dict, reading: dict) -> str:  # noqa: PLR0911  (one cause after the other)
    """Where the trainer's reading of a row differs from the restated one; empty where both agree."""
    ours = restated(target, stage, row)
    if "refused" in reading or ours is None:
        return "" if "refused" in reading and ours is None else f"taken by one only: {reading.get('refused', ours)}"
    if ours.text is not None:
        return "" if ours.text == reading["text"] else f"another text: {reading['text'][:80]!r}"
    if len(ours.turns) != len(reading["turns"]):
        return f"{len(reading['turns'])} turns in place of {len(ours.turns)}"
    marked = target != "messages"  # weights in messages are read by OpenAI; TRL trains every answer
    for place, (turn, seen) in enumerate(zip(ours.turns, reading["turns"], strict=True)):
        fault = of_turn(turn, seen, trained=ours.loss[place] if marked else None)
        if fault:
            return f"turn {place} ({turn.role}): {fault}"
    if "tools" in reading and opened(ours.tools or "[]") != opened(reading["tools"] or "[]"):
        return f"other tools: {ours.tools[:80]} {reading['tools'][:80]}"
    if "rejected" in reading and [shown(t.full_text) for t in ours.rejected] != [
        shown(t["text"]) for t in reading["rejected"]
    ]:
        return "another rejected answer"
    if reading.get("liked") is not None and reading["liked"] is not ours.liked:
        return "another label"
    return ""


def of_turn(turn: MeantTurn, seen: dict, *, trained: bool | None) -> str:
    """Where a turn differs from the one that was meant."""
    if (turn.role, shown(turn.full_text)) != (seen["role"], shown(seen["text"])):
        return f"{turn.full_text[:60]!r} is {seen['role']} {seen['text'][:60]!r}"
    calls = [[name, opened(given)] for name, given in turn.calls]
    if calls != [[name, opened(given)] for name, given in seen["calls"]]:
        return f"other calls: {turn.calls} {seen['calls']}"
    if None not in (trained, seen["trained"]) and seen["trained"] != trained:
        return f"trained {seen['trained']}, meant {trained}"
    return ""


def opened(arguments: str) -> object:
    """Arguments as a value; those that are no JSON as text."""
    try:
        return json.loads(arguments.removeprefix(NO_JSON))
    except ValueError:
        return arguments.removeprefix(NO_JSON)


def shown(text: str) -> str:
    """A text without the marks of media, which the judges render in their own way."""
    for mark in ("<image>", "<video>", "<audio>"):
        text = text.replace(mark, "")
    return text.strip()


def restated(target: str, stage: str, row: dict) -> Meaning | None:
    """What the rule of syngain reads in a row of a stage; None for a row that it says is refused."""
    known = TRAINERS[target].forms
    for form in known.get(stage) or known["sft"]:
        try:
            return form.read(dict(row))
        except (LayoutError, KeyError):
            continue
    return None


def rendered(cells: dict[tuple[str, str], Cell], versions: dict[str, str]) -> str:
    """The page."""
    head = (Path(__file__).parent / "conversions_head.md").read_text(encoding="utf-8")
    named = ", ".join(f"{name} {number}" for name, number in versions.items())
    lines = [head.replace("VERSIONS", named)]
    for target in TARGETS:
        lines += [f"### {target}", "", "| source | rows | taken | left out | test |", "|---|---|---|---|---|"]
        for (source, to), cell in cells.items():
            if to == target:
                taken = "-" if cell.taken is None else str(cell.taken)
                what = ", ".join(cell.lost) or cell.why or "nothing"
                lines.append(
                    f"| {source} | {cell.read} | {taken if cell.file else 0} | {escaped(what)} | `{source}-{to}` |"
                )
        lines.append("")
    return "\n".join(lines)


def escaped(text: str) -> str:
    """A text in a cell of a table."""
    return text.replace("|", "\\|").replace("<", "&lt;")[:160]


if __name__ == "__main__":
    sys.exit(main())
