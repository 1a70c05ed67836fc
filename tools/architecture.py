"""Draw the rooms of the package from its import graph: ``docs/images/architecture.svg`` and the table of rooms.

    python tools/architecture.py [--check]

The table stands in ``docs/architecture.md`` between two comments. With ``--check`` nothing is written, and the exit
code is 1 if the picture or the table differs from the code.
"""

from __future__ import annotations

import argparse
import ast
import sys
import textwrap
import tomllib
from collections import Counter
from dataclasses import dataclass
from html import escape
from pathlib import Path

from import_graph import imports, modules

ROOT = Path(__file__).resolve().parent.parent
PICTURE, PAGE = Path("docs/images/architecture.svg"), Path("docs/architecture.md")
BEGIN, END = "<!-- rooms: written by tools/architecture.py -->", "<!-- end of rooms -->"

ROW, CELL, LEFT, TOP, NAME = 38, 30, 560, 110, 116  # pixels: rows, columns, where the matrix starts, width of names
STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #1b1f24; }
.name { font-weight: 600; font-size: 13px; }
.soft { fill: #57606a; font-size: 11px; }
.own { fill: #d7dde3; }
.dot { fill: #0f766e; }
.line { stroke: #d7dde3; }
</style>"""
SIZES = ((24, 10), (8, 7), (0, 4))  # so many imports at least, radius of the dot
LINE = 66  # characters of a line of a room's purpose


@dataclass(frozen=True, slots=True)
class Room:
    """A room: its layer (0 is the top), the first line of its docstring, its folders, its imports."""

    name: str
    layer: int
    purpose: str
    chapters: tuple[str, ...]
    imports: dict[str, int]


def rooms(root: Path) -> list[Room]:
    """The rooms from the top layer to the floor, as the contract of the layers orders them.

    Raises:
        SystemExit: the contract and the folders name different rooms.
    """
    found = modules(root / "src")
    edges: Counter[tuple[str, str]] = Counter()
    for name, targets in imports(found).items():
        for target in targets:
            edges[found[name].room, found[target].room] += 1
    layers = _layers(root)
    inside = {module.room for module in found.values()} - {""}
    if inside != set(layers):
        raise SystemExit(f"rooms without a layer, or layers without a room: {sorted(inside ^ set(layers))}")
    out = []
    for name, layer in layers.items():
        members = [module for module in found.values() if module.room == name]
        depth = len(Path("src/syngain", name).parts)
        folders = {path.parts[depth] for m in members if len((path := m.path.relative_to(root)).parts) > depth + 1}
        room = next(module for module in members if module.name == f"syngain.{name}")
        purpose = (ast.get_docstring(room.tree) or "").splitlines()[0]
        used = {to: edges[name, to] for to in layers if to != name and edges[name, to]}
        out.append(Room(name, layer, purpose, tuple(sorted(folders)), used))
    return out


def _layers(root: Path) -> dict[str, int]:
    """Room to layer, from the contract in ``pyproject.toml``; siblings share a layer."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    contract = next(item for item in settings["contracts"] if item["type"] == "layers")
    return {
        name.strip().removeprefix("syngain."): number
        for number, layer in enumerate(contract["layers"])
        for name in layer.split("|")
    }


def picture(found: list[Room]) -> str:
    """The rooms as a matrix: a dot says that the room of the row imports the room of the column."""
    width, height = LEFT + CELL * len(found) + 24, TOP + ROW * len(found) + 44
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"',
        'role="img" aria-label="Rooms of the package from the command line to the floor, and who imports whom">',
        STYLE,
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text class="soft" x="16" y="{TOP - 14}">a room imports only from rooms below it</text>',
    ]
    for column, room in enumerate(found):
        x = LEFT + CELL * column + CELL / 2
        out.append(f'<text x="{x + 4:g}" y="{TOP - 8}" transform="rotate(-60 {x + 4:g} {TOP - 8})">{room.name}</text>')
    for row, room in enumerate(found):
        out += _row(row, room, found)
    y = TOP + ROW * len(found)
    out.append(f'<line class="line" x1="16" x2="{width - 16}" y1="{y}" y2="{y}"/>')
    note = "A dot: the room of the row imports the room of the column; larger for more imports."
    out += [f'<text class="soft" x="16" y="{y + 24}">{note}</text>', "</svg>"]
    return "\n".join(out) + "\n"


def _row(row: int, room: Room, found: list[Room]) -> list[str]:
    """A room with its purpose, and its dots. Rooms of one layer have no line between them."""
    y, middle = TOP + ROW * row, TOP + ROW * row + ROW / 2
    width = LEFT + CELL * len(found) + 8
    out = []
    if row == 0 or found[row - 1].layer != room.layer:
        out.append(f'<line class="line" x1="16" x2="{width}" y1="{y}" y2="{y}"/>')
    x = LEFT + CELL * row
    out.append(f'<rect class="own" x="{x}" y="{y + 4}" width="{CELL}" height="{ROW - 8}"/>')
    out.append(f'<text class="name" x="16" y="{middle + 4:g}">{room.name}</text>')
    lines = textwrap.wrap(room.purpose, LINE)
    for number, text in enumerate(lines):
        offset = 4 + 14 * number - 7 * (len(lines) - 1)
        out.append(f'<text class="soft" x="{NAME}" y="{middle + offset:g}">{escape(text)}</text>')
    for column, other in enumerate(found):
        count = room.imports.get(other.name, 0)
        if count:
            radius = next(size for least, size in SIZES if count >= least)
            cx = LEFT + CELL * column + CELL / 2
            what = f"<title>{room.name} imports {other.name}</title>"
            out.append(f'<circle class="dot" cx="{cx:g}" cy="{middle:g}" r="{radius}">{what}</circle>')
    return out


def table(found: list[Room]) -> str:
    """The rooms as a table: what each holds, and which rooms import it today."""
    lines = ["| room | holds | folders | imported by |", "|---|---|---|---|"]
    for room in found:
        users = ", ".join(other.name for other in found if room.name in other.imports) or "nobody"
        chapters = ", ".join(f"`{name}`" for name in room.chapters) or "none"
        lines.append(f"| `{room.name}` | {room.purpose} | {chapters} | {users} |")
    return "\n".join(lines)


def filled(page: str, found: list[Room]) -> str:
    """The page with the table of rooms put between its comments."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise SystemExit(f"{PAGE} has no place for the rooms: {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n\n{table(found)}\n\n{END}{after}"


def main() -> int:
    """Write the picture and the table, or check that they are those of the code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if something differs")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    options = parser.parse_args()
    found = rooms(options.root)
    texts = {PICTURE: picture(found), PAGE: filled((options.root / PAGE).read_text(encoding="utf-8"), found)}
    stale = [path for path, text in texts.items() if _read(options.root / path) != text]
    for path in stale:
        if not options.check:
            (options.root / path).write_text(texts[path], encoding="utf-8")
        print(f"{path} {'differs from the code: run tools/architecture.py' if options.check else 'written'}")
    return 1 if stale and options.check else 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
