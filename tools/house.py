"""The rules of the house that ruff has no word for. Prints each offense with its file and line; exit code 1 if any.

    python tools/house.py [SOURCE] [--counts]

A function has at most 60 lines and a file 400; a folder has at most 16 chapters (modules and folders); a class name
stands for one class in the whole package; no modules of one room import each other in a circle, imports for types and
inside functions included; retired names of modules and classes stay retired.
"""

from __future__ import annotations

import argparse
import ast
import io
import sys
import tokenize
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from import_graph import Module, circles, imports, modules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FUNCTION, FILE, CHAPTERS = 60, 400, 16
RETIRED = frozenset(
    "told said shelf removed speaking ground field worths parts answer choice surface rivals nested strips looks fresh "
    "accepted examine".split()
)
RULES = ("function", "file", "folder", "class", "circle", "name")


@dataclass(frozen=True, slots=True, order=True)
class Offense:
    """Where a rule is broken, and how."""

    path: Path
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


def offenses(source: Path) -> list[Offense]:
    """Everything in the packages of ``source`` that breaks a rule, by file and line."""
    found = modules(source)
    checks = (
        _functions(found),
        _files(found),
        _folders(source),
        _classes(found),
        _circles(found),
        _names(found, source),
    )
    return sorted(offense for check in checks for offense in check)


def counts(source: Path) -> dict[str, int]:
    """How often ``Any`` is used as a type, and how many comments silence ruff or mypy."""
    out = {"Any": 0, "noqa": 0, "type: ignore": 0}
    for module in modules(source).values():
        out["Any"] += sum(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(module.tree))
        comments = _comments(module.text)
        out["noqa"] += sum("noqa" in comment for comment in comments)
        out["type: ignore"] += sum("type: ignore" in comment for comment in comments)
    return out


def _functions(found: Mapping[str, Module]) -> Iterator[Offense]:
    for module in found.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION:
                    yield Offense(module.path, node.lineno, "function", f"{node.name} has {lines} lines")


def _files(found: Mapping[str, Module]) -> Iterator[Offense]:
    for module in found.values():
        lines = len(module.text.splitlines())
        if lines > FILE:
            yield Offense(module.path, FILE + 1, "file", f"{lines} lines")


def _folders(source: Path) -> Iterator[Offense]:
    chapters = defaultdict(set)
    for path in source.rglob("*.py"):
        if path.stem not in {"__init__", "__main__"}:
            chapters[path.parent].add(path.name)
        elif source not in {path.parent.parent, path.parent}:
            chapters[path.parent.parent].add(path.parent.name)
    package = [folder for folder in chapters if folder.parent == source]  # its folders are the rooms, not chapters
    for folder, names in chapters.items():
        if len(names) > CHAPTERS and folder not in package:
            yield Offense(folder, 1, "folder", f"{len(names)} chapters")


def _classes(found: Mapping[str, Module]) -> Iterator[Offense]:
    places: dict[str, list[tuple[Path, int]]] = defaultdict(list)
    for module, node in _all_classes(found):
        places[node.name].append((module.path, node.lineno))
    for name, where in places.items():
        first, others = where[0], where[1:]
        for path, line in others:
            yield Offense(path, line, "class", f"{name} is also the name of {first[0]}:{first[1]}")


def _circles(found: Mapping[str, Module]) -> Iterator[Offense]:
    graph = imports(found)
    for room in sorted({module.room for module in found.values()} - {""}):
        inside = {name for name, module in found.items() if module.room == room}
        edges = {name: {to: line for to, line in graph[name].items() if to in inside} for name in inside}
        for group in circles(edges):
            ring = _shortest(edges, group)
            shown = " > ".join(name.partition(".")[2] or name for name in [*ring, ring[0]])
            for name, target in zip(ring, [*ring[1:], ring[0]], strict=True):
                yield Offense(found[name].path, edges[name][target], "circle", shown)


def _shortest(edges: Mapping[str, Mapping[str, int]], group: Sequence[str]) -> list[str]:
    """The shortest circle of imports among these modules."""
    inside, best = set(group), list[str]()
    for start in group:
        paths, seen = [[start]], {start}
        while paths and (not best or len(paths[0]) < len(best)):
            path = paths.pop(0)
            if start in edges[path[-1]]:
                best = path
                break
            following = sorted(set(edges[path[-1]]) & inside - seen)
            seen.update(following)
            paths += [[*path, name] for name in following]
    return best


def _names(found: Mapping[str, Module], source: Path) -> Iterator[Offense]:
    for module in found.values():
        parts = module.path.relative_to(source).with_suffix("").parts
        word = parts[-2] if parts[-1] == "__init__" and len(parts) > 1 else parts[-1]
        if word in RETIRED:
            yield Offense(module.path, 1, "name", f"{word} is retired as the name of a module")
    for module, node in _all_classes(found):
        if node.name.strip("_").lower() in RETIRED:
            yield Offense(module.path, node.lineno, "name", f"{node.name} is retired as the name of a class")


def _all_classes(found: Mapping[str, Module]) -> Iterator[tuple[Module, ast.ClassDef]]:
    for module in found.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                yield module, node


def _comments(text: str) -> list[str]:
    words = tokenize.generate_tokens(io.StringIO(text).readline)
    return [word.string for word in words if word.type == tokenize.COMMENT]


def main() -> int:
    """Check the source; print what is wrong, or what is counted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = Path(__file__).resolve().parent.parent / "src"
    parser.add_argument("source", type=Path, nargs="?", default=default, help="the folder that holds the package")
    parser.add_argument("--counts", action="store_true", help="print how often Any, noqa and type: ignore appear")
    options = parser.parse_args()
    if options.counts:
        print("\n".join(f"{name}: {count}" for name, count in counts(options.source).items()))
        return 0
    found = offenses(options.source)
    for offense in found:
        print(offense)
    per_rule = {rule: sum(offense.rule == rule for offense in found) for rule in RULES}
    print(", ".join(f"{rule} {count}" for rule, count in per_rule.items()))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
