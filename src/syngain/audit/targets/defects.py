"""Kinds of wrong targets: how each is made of sound rows, and which rows can show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from syngain.data.columns.targets import Target
from syngain.learners.targets.tagger import entities

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.learners.targets.rows import TargetRows


class Spoil(Protocol):
    """Makes wrong targets."""

    def __call__(self, rows: TargetRows, names: tuple[str, ...], rng: np.random.Generator, /) -> TargetRows:
        """The same rows with wrong targets; some may stay as they are."""


class Shows(Protocol):
    """Finds rows that may have the defect."""

    def __call__(self, rows: TargetRows, names: tuple[str, ...], /) -> Flags:
        """Flags of the rows (n,)."""


@dataclass(frozen=True, slots=True)
class TargetDefect:
    """A kind of wrong target: what the rows do in words, how it is made, and which rows can have it."""

    words: str
    spoil: Spoil
    shows: Shows


def everywhere(rows: TargetRows, _: tuple[str, ...]) -> Flags:
    """All rows."""
    return np.ones(len(rows), dtype=bool)


def exchanged(rows: TargetRows, _: tuple[str, ...], rng: np.random.Generator) -> TargetRows:
    """The targets of other rows."""
    return rows.with_targets(rows.y[rng.permutation(len(rows))])


def altered(rows: TargetRows, names: tuple[str, ...], rng: np.random.Generator) -> TargetRows:
    """The label sets of other rows in half of the rows, one label more or less in the other half."""
    y = exchanged(rows, names, rng).y.copy()
    for row in np.flatnonzero(rng.random(len(y)) < 0.5).tolist():
        own = rows.y[row]
        some = np.flatnonzero(own) if own.any() and rng.random() < 0.5 else np.flatnonzero(own == 0)
        y[row] = own
        if some.size:
            y[row, rng.choice(some)] = 1 - own[some[0]]
    return rows.with_targets(y)


def untagged(rows: TargetRows, names: tuple[str, ...], _: np.random.Generator) -> TargetRows:
    """All tags missing."""
    return rows.with_targets(np.full(rows.y.shape, float(_outside(names))))


def without_tags(rows: TargetRows, names: tuple[str, ...]) -> Flags:
    """Rows with no entity."""
    return np.asarray(rows.summed((rows.y[:, 0] != _outside(names)).astype(float)) == 0)


def with_tags(rows: TargetRows, names: tuple[str, ...]) -> Flags:
    """Rows with an entity."""
    return ~without_tags(rows, names)


def moved(rows: TargetRows, _: tuple[str, ...], rng: np.random.Generator) -> TargetRows:
    """The tags of other tokens of the same row."""
    order = np.lexsort((rng.random(len(rows.y)), rows.row))
    return rows.with_targets(rows.y[order])


def swapped(rows: TargetRows, _: tuple[str, ...], rng: np.random.Generator) -> TargetRows:
    """A positive and a negative candidate exchanged."""
    y = rows.y.copy()
    for start, end in zip(rows.start[:-1].tolist(), rows.start[1:].tolist(), strict=True):
        good, bad = (start + np.flatnonzero((y[start:end, 0] > 0) == sign) for sign in (True, False))
        if good.size and bad.size:
            y[rng.choice(good)], y[rng.choice(bad)] = 0.0, 1.0
    return rows.with_targets(y)


def changed(before: TargetRows, after: TargetRows) -> Flags:
    """Rows with other targets than before (n,)."""
    differs: Floats = np.any(before.y != after.y, axis=1).astype(float)
    return np.asarray(before.summed(differs) > 0)


def _outside(names: tuple[str, ...]) -> int:
    """The code of tokens outside of every entity; -1 where no tag says so."""
    found = [code for code, name in enumerate(names) if not entities([name])]
    return found[0] if found else -1


DEFECTS: Mapping[Target, Mapping[str, TargetDefect]] = {
    Target.NUMBER: {"noise": TargetDefect("numbers do not fit their rows", exchanged, everywhere)},
    Target.ORDINAL: {"noise": TargetDefect("scores do not fit their rows", exchanged, everywhere)},
    Target.LABELS: {"noise": TargetDefect("label sets look wrong", altered, everywhere)},
    Target.TAGS: {
        "missing_tags": TargetDefect("rows have all tags missing", untagged, without_tags),
        "wrong_tags": TargetDefect("rows have wrong tags", moved, with_tags),
    },
    Target.TRIPLETS: {
        "swapped": TargetDefect("rows have a negative candidate as the positive one", swapped, everywhere)
    },
}
"""By kind of target and name."""


def row_codes(rows: Ints, size: int) -> Ints:
    """Place of each of all rows among the chosen ones (size,), -1 for the others."""
    out = np.full(size + 1, -1, dtype=np.int64)
    out[rows] = np.arange(rows.size)
    return out
