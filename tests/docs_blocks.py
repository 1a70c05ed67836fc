"""The code blocks of the documentation: their places, which of them are run, and why the others are not."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(
    r"(?:<!-- not run: (?P<why>[^\n]+) -->\n)?^```(?P<kind>python|sh|bash|shell|console)\n(?P<code>.*?)^```",
    re.DOTALL | re.MULTILINE,
)
TRAINER_ROWS = {
    "pairs.jsonl": [
        {"instruction": "Name a river.", "input": "", "output": "The Oder."},
        {"instruction": "Name a lake.", "input": "", "output": "Lake Constance."},
    ],
    "preferences.jsonl": [
        {"prompt": "Name a river in Poland.", "chosen": "The Oder.", "rejected": "The Rhine."},
        {"prompt": "Name a lake.", "chosen": "Lake Constance.", "rejected": "The Oder."},
    ],
}
"""The files that the pages of the trainers convert."""
README_NOT_RUN = {"gpt4=": "needs files of other names; the guides run it with theirs"}
"""Parts of lines of the README that are not run here. The README is read by people: it has no comments."""


@dataclass(frozen=True)
class Block:
    """A block of code. ``why``: why it is not run, None where it is."""

    page: str
    line: int
    kind: str
    code: str
    why: str | None

    @property
    def name(self):
        return f"{self.page}:{self.line}"

    @property
    def commands(self):
        """Its lines that call the program, without comments."""
        return [line for line in self.code.splitlines() if line.startswith("syngain ")]


def pages():
    out = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in out}


def blocks(page, text):
    return [
        Block(page, text[: match.start()].count("\n") + 1, match["kind"], match["code"], match["why"])
        for match in BLOCK.finditer(text)
    ]


def all_blocks():
    return [block for page, text in pages().items() for block in blocks(page, text)]


def words(line):
    """The arguments of a line of the shell, without its comment."""
    return shlex.split(line, comments=True)[1:]


def why_not(block, line):
    if block.why or block.page != "README.md":
        return block.why
    return next((why for part, why in README_NOT_RUN.items() if part in line), None)
