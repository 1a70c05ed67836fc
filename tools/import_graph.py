"""Who imports whom in a package, read from its source: imports for types and inside functions included."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the package: its dotted name, its file, its syntax tree and its text."""

    name: str
    path: Path
    tree: ast.Module
    text: str

    @property
    def room(self) -> str:
        """The folder of the package it lies in; empty for the modules of the package itself."""
        parts = self.name.split(".")
        inside = len(parts) > 2 or self.path.name == "__init__.py"
        return parts[1] if len(parts) > 1 and inside else ""


def modules(source: Path) -> dict[str, Module]:
    """Every module of the one package in ``source``, by its dotted name."""
    found = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        found[name] = Module(name, path, ast.parse(text, str(path)), text)
    return found


def imports(found: Mapping[str, Module]) -> dict[str, dict[str, int]]:
    """For each module the modules of the package that it imports, with the line where it does so first."""
    graph: dict[str, dict[str, int]] = {}
    for name, module in found.items():
        edges: dict[str, int] = {}
        for target, line in _imported(module):
            known = _known(target, found)
            if known is not None and known != name:
                edges.setdefault(known, line)
        graph[name] = edges
    return graph


def circles(graph: Mapping[str, Mapping[str, int]]) -> list[list[str]]:
    """Groups of modules that import each other in a circle (strongly connected components of two or more)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    out: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in graph[node]:
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                out.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return sorted(out)


def _imported(module: Module) -> Iterator[tuple[str, int]]:
    """Dotted names that a module imports, and the lines."""
    package = module.name if module.path.name == "__init__.py" else module.name.rpartition(".")[0]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def _known(target: str, found: Mapping[str, Module]) -> str | None:
    """The module that a dotted name means: itself, or the one that holds it."""
    while target and target not in found:
        target = target.rpartition(".")[0]
    return target if "." in target else None  # the package's face is nobody's room
