"""Rules that a user states, in the language of ``gate`` with columns in place of estimates.

::

    start <= end
    region != "west" or paid:missing
    not (kind == "gift" and price > 0)

A name is a column; columns whose names have spaces or signs are quoted and followed by ``:value``. Quoted words are
values, dates too. ``NAME:missing`` is whether a cell is empty. A rule does not apply to rows where a missing cell
leaves it open.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import yaml

from syngain.core.documents.yaml_documents import yaml_value
from syngain.core.errors import InputError, UsageError
from syngain.core.expressions import COMPARISONS, Comparison, Constant, Joined, Not, Reference, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syngain.core.arrays import Flags, Floats
    from syngain.core.expressions import Node
    from syngain.tables.typed import Column, Table

EXAMPLE = 'write for example "start <= end" or \'region != "west" or paid:missing\''
FIELDS = ("value", "missing")

Truth = tuple["Flags", "Flags"]  # rows where a condition holds, rows where it is known


@dataclass(frozen=True, slots=True)
class StatedRule:
    """A rule of the user's; ``words`` is its expression."""

    words: str
    columns: tuple[str, ...]
    kind: Literal["yours"] = "yours"

    @classmethod
    def of(cls, expression: str, table: Table) -> StatedRule:
        """Check a rule on the columns of a table.

        Raises:
            InputError: it is no condition, or names a column that the rows lack.
        """
        tree = _parsed(expression)
        names = tuple(dict.fromkeys(reference.name for reference in _references(tree)))
        absent = [name for name in names if name not in table.columns]
        if absent:
            near = get_close_matches(absent[0], table.columns, n=3, cutoff=0.5) or list(table.columns)[:5]
            raise InputError(
                f"the rule {expression!r} names no column of the real rows: {absent[0]!r}",
                expected=f"a column, such as {', '.join(near)}",
                todo="correct the name; quote words that are values",
            )
        rule = cls(expression, names)
        rule.check(table)
        return rule

    def refit(self, table: Table) -> StatedRule:
        """The same rule."""
        del table
        return self

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows where the rule is known, and rows where it does not hold."""
        holds, known = _truth(_parsed(self.words), table, self.words)
        return known, known & ~holds


def read_rules(path: str | Path) -> tuple[str, ...]:
    """The rules of a YAML file: a list of conditions, or ``rules:`` with that list.

    Raises:
        InputError: there is no such file, or it is no list of conditions.
    """
    place = Path(path)
    try:
        content = yaml_value(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{place}: cannot be read ({error.strerror})", expected="a YAML file with a list of rules", todo=EXAMPLE
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        raise InputError(f"{place}: no YAML ({first})", expected="a YAML list of rules", todo=EXAMPLE) from error
    listed = content.get("rules") if isinstance(content, dict) else content
    if not isinstance(listed, list) or not listed or not all(isinstance(one, str) for one in listed):
        raise InputError(f"{place}: no list of rules", expected="lines such as `- start <= end`", todo=EXAMPLE)
    for expression in listed:
        _parsed(expression)
    return tuple(listed)


def _parsed(expression: str) -> Node:
    try:
        return parse(expression)
    except UsageError as error:
        raise InputError(
            f"the rule {expression!r} cannot be read: {error.came}",
            expected="columns, numbers and quoted words, compared by < <= > >= == != and joined by and, or, not",
            todo=EXAMPLE,
        ) from error


def _references(node: Node) -> Iterator[Reference]:
    if isinstance(node, Reference):
        yield node
    elif isinstance(node, Comparison):
        yield from _references(node.left)
        yield from _references(node.right)
    elif isinstance(node, Not):
        yield from _references(node.inner)
    elif isinstance(node, Joined):
        for part in node.parts:
            yield from _references(part)


def _truth(node: Node, table: Table, words: str) -> Truth:
    """Where a condition holds and where it is known, each (n,)."""
    if isinstance(node, Not):
        holds, known = _truth(node.inner, table, words)
        return known & ~holds, known
    if isinstance(node, Joined):
        return _joined(node.word, [_truth(part, table, words) for part in node.parts])
    if isinstance(node, Comparison):
        return _compared(node, table, words)
    if isinstance(node, Reference) and node.field == "missing":
        return ~table.columns[node.name].filled, np.ones(table.size, dtype=bool)
    raise _wrong(words, "a part of it is not compared")


def _joined(word: str, parts: Sequence[Truth]) -> Truth:
    """``and`` and ``or`` of conditions that may be unknown: one part may decide alone."""
    true = np.array([holds & known for holds, known in parts])
    false = np.array([known & ~holds for holds, known in parts])
    if word == "and":
        return np.asarray(true.all(axis=0)), np.asarray(true.all(axis=0) | false.any(axis=0))
    return np.asarray(true.any(axis=0)), np.asarray(true.any(axis=0) | false.all(axis=0))


def _compared(node: Comparison, table: Table, words: str) -> Truth:
    columns = [_column(side, table, words) for side in (node.left, node.right)]
    given = next((column for column in columns if column is not None), None)
    if given is None:
        raise _wrong(words, "two constants are compared")
    sides = [_values(side, column, given, words) for side, column in zip((node.left, node.right), columns, strict=True)]
    known = np.logical_and.reduce([column.filled for column in columns if column is not None])
    if given.kind != "word":
        known = known & ~np.isnan(sides[0]) & ~np.isnan(sides[1])
    elif node.sign not in {"==", "!="}:
        raise _wrong(words, f"words are compared by {node.sign!r}")
    return np.asarray(COMPARISONS[node.sign](*sides)) & known, known


def _column(side: Node, table: Table, words: str) -> Column | None:
    """The column that a side names; None for a constant."""
    if isinstance(side, Constant):
        return None
    if not isinstance(side, Reference):
        raise _wrong(words, "a comparison sign next to a condition")
    if side.field not in {None, "value"}:
        raise _wrong(words, f"unknown field {side.field!r}; a cell has {' and '.join(FIELDS)}")
    return table.columns[side.name]


def _values(side: Node, column: Column | None, like: Column, words: str) -> Floats:
    """One side of a comparison in the kind of the column that it is compared with."""
    if column is not None:
        if column.kind != like.kind:
            raise _wrong(words, f"`{like.name}` holds {like.kind}s and `{column.name}` {column.kind}s")
        written = [*column.values, ""]
        return np.array([written[code] for code in column.codes]) if column.kind == "word" else column.numbers
    constant = side.content if isinstance(side, Constant) else ""
    if like.kind == "word":
        return np.array(str(int(constant)) if isinstance(constant, float) and constant.is_integer() else str(constant))
    if like.kind == "date" and like.format is not None and isinstance(constant, str):
        day = like.format.days([constant])
        if np.isnan(day[0]):
            raise _wrong(words, f"{constant!r} is no date written {like.format.name}")
        return day
    if isinstance(constant, str):
        raise _wrong(words, f"`{like.name}` holds {like.kind}s and {constant!r} is a word")
    return np.array([constant])


def _wrong(words: str, problem: str) -> InputError:
    return InputError(
        f"the rule {words!r} cannot be checked: {problem}", expected="a condition on columns", todo=EXAMPLE
    )
