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
    from syngain.data.layouts.trainers.meaning import Meaning
from syngain.data.layouts.trainers.message_content import NO_JSON

TARGETS = ("trl", "llama_factory", "axolotl", "oumi", "openai", "unsloth", "nemo", "messages", "distilabel")
JUDGED = {"trl": "trl", "unsloth": "trl", "messages": "trl", "llama_factory": "llama_factory"}
JUDGED |= {"axolotl": "axolotl", "oumi": "oumi"}
FOLDERS = {"llama_factory": "llamafactory"}


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
    spoken = {"messages", "conversations", "completion", "instruction"} & row.keys()
    return "sft" if spoken else "text" if "text" in row else "prompts"


def judge(trainer: str, cells: dict[tuple[str, str], Cell], options: argparse.Namespace) -> str:
    """Let a trainer read the cells of its targets; the version of the trainer."""
    kinds = {"trl": lambda cell, target: target != "messages" or cell.stage == "sft"}
    fits = kinds.get(trainer, lambda cell, target: True)
    mine = {
        key: cell
        for key, cell in cells.items()
        if JUDGED.get(key[1]) == trainer and cell.file and fits(cell, key[1]) and cell.stage != "prompts"
    }
    place = options.trainers / FOLDERS.get(trainer, trainer)
    paths = [str(place), str(options.trainers / "stubs")] if place.is_dir() else []
    command = [sys.executable, str(Path(__file__).parent / "conversion_judges.py"), trainer, options.tokenizer]
    jobs = json.dumps([{"file": cell.file, "stage": cell.stage} for cell in mine.values()])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(command, input=jobs, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{trainer}: {done.stderr[-2000:]}")
    answer = json.loads(done.stdout[done.stdout.index('{"version"') :])
    for (key, cell), readings in zip(mine.items(), answer["readings"], strict=True):
        lines = Path(cell.file).read_text(encoding="utf-8").splitlines()
        cell.taken = sum("refused" not in reading for reading in readings)
        for line, reading in zip(lines, readings, strict=True):
            fault = compared(key[1], json.loads(line), reading)
            if fault:
                cell.wrong.append(fault)
    return str(answer["version"])


def compared(target: str, row: dict, reading: dict) -> str:  # noqa: PLR0911  (one cause after the other)
    """Where the trainer's reading of a row differs from the restated one; empty where both agree."""
    ours = restated(target, row)
    if "refused" in reading or ours is None:
        return "" if "refused" in reading and ours is None else f"taken by one only: {reading.get('refused', ours)}"
    if ours.text is not None:
        return "" if ours.text == reading["text"] else "another text"
    for place, (turn, seen) in enumerate(zip(ours.turns, reading["turns"], strict=False)):
        if (turn.role, shown(turn.spoken)) != (seen["role"], shown(seen["text"])) and shown(turn.text) != shown(
            seen["text"]
        ):
            return f"turn {place}: {turn.role} {turn.text[:60]!r} is {seen['role']} {seen['text'][:60]!r}"
        if [[name, opened(given)] for name, given in turn.calls] != [
            [name, opened(given)] for name, given in seen["calls"]
        ]:
            return f"turn {place}: other calls: {turn.calls} {seen['calls']}"
        if seen["trained"] is not None and turn.text and seen["trained"] != ours.loss[place]:
            return f"turn {place} ({turn.role}): trained {seen['trained']}, meant {ours.loss[place]}"
    if len(ours.turns) != len(reading["turns"]):
        return f"{len(reading['turns'])} turns in place of {len(ours.turns)}"
    if "rejected" in reading and [shown(t.text) for t in ours.rejected] != [
        shown(t["text"]) for t in reading["rejected"]
    ]:
        return "another rejected answer"
    if reading.get("liked") is not None and reading["liked"] is not ours.liked:
        return "another label"
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


def restated(target: str, row: dict) -> Meaning | None:
    """What the rule of syngain reads; None for a row that it says is refused."""
    for forms in TRAINERS[target].forms.values():
        for form in forms:
            try:
                found = form.read(dict(row))
            except LayoutError:
                return None
            except (KeyError, TypeError):
                continue
            if found.turns or found.text is not None:
                return found
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
