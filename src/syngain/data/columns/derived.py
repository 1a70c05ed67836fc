"""Fields that are computed from others: inner fields by dotted name, and the content of further layouts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from syngain.data.columns import candidates
from syngain.data.columns.finder import Finder
from syngain.data.columns.values import parsed
from syngain.data.rows import Cells, FieldCount, Lazy, Loaded, Record, Values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SEPARATORS = str.maketrans("/,", "++")


class Computed(Protocol):
    """Fields computed from others."""

    @property
    def roots(self) -> tuple[str, ...]:
        """The fields that are read."""

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that are made."""

    @property
    def hidden(self) -> tuple[str, ...]:
        """Fields that are used up and have no other role."""

    def make(self, cells: Cells) -> Cells:
        """The cells of the made fields, from those of the roots."""


@dataclass(frozen=True, slots=True)
class Inner:
    """A field inside of an object, by its dotted name (``meta.question``)."""

    root: str
    name: str

    @property
    def roots(self) -> tuple[str, ...]:
        """The outer field."""
        return (self.root,)

    @property
    def names(self) -> tuple[str, ...]:
        """The dotted name."""
        return (self.name,)

    @property
    def hidden(self) -> tuple[str, ...]:
        """None: other inner fields may be named too."""
        return ()

    def make(self, cells: Cells) -> Cells:
        """The inner value; None where the row has none."""
        value = cells[0]
        for key in self.name[len(self.root) + 1 :].split("."):
            if isinstance(value, str) and value[:1] in {"{", "["}:
                value = parsed(value)  # CSV holds objects as JSON text
            if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            else:
                value = value.get(key) if isinstance(value, Mapping) else None
        return (value,)


def opened(loaded: Loaded, named: Iterable[str | None], *, whole: bool) -> tuple[Loaded, list[str]]:
    """The rows with computed fields, and notes on them.

    Args:
        loaded: the rows of a file.
        named: what the user or the real rows call the fields: names, joined by ``+``, ``/`` or a comma.
        whole: whether the content is searched for; False where the user named its fields.
    """
    words = [word.strip() for text in named if text for word in text.translate(SEPARATORS).split("+")]
    for word in dict.fromkeys([text for text in named if text] + words):
        root = _root(loaded, word)
        if root is not None:
            inner = Inner(root, word)
            count = sum(cell not in (None, "") for (cell,) in _Values(loaded.values, inner)([word]))
            if count:
                loaded = _with(loaded, inner, count)
    found = candidates.recognized(Finder(loaded)) if whole else None
    if found is None:
        return loaded, []
    return _with(loaded, found, None), [found.note]


def _root(loaded: Loaded, word: str) -> str | None:
    """The outer field of a dotted name; None for other names."""
    if word in loaded.fields:
        return None
    ends = [place for place, letter in enumerate(word) if letter == "."]
    return next((word[:end] for end in reversed(ends) if word[:end] in loaded.fields), None)


def _with(loaded: Loaded, made: Computed, count: int | None) -> Loaded:
    root = loaded.fields[made.roots[0]]
    fields = {name: found for name, found in loaded.fields.items() if name not in made.hidden}
    of_root = FieldCount(root.count if count is None else count, root.first)
    return replace(
        loaded,
        fields=fields | dict.fromkeys(made.names, of_root),
        values=_Values(loaded.values, made),
        rows=Lazy(len(loaded), _Record(loaded.rows, made)),
    )


@dataclass(frozen=True, slots=True)
class _Values:
    """Values of fields of which some are computed."""

    of: Values
    made: Computed

    def __call__(self, names: Sequence[str], rows: slice | None = None) -> Iterator[Cells]:
        own = {name: place for place, name in enumerate(self.made.names)}
        others = [name for name in names if name not in own]
        places = [(own[name], True) if name in own else (others.index(name), False) for name in names]
        if len(others) == len(names):
            yield from self.of(names, rows)
            return
        for cells in self.of([*others, *self.made.roots], rows):
            found = self.made.make(cells[len(others) :])
            yield [found[place] if new else cells[place] for place, new in places]


@dataclass(frozen=True, slots=True)
class _Record:
    """A record with the computed fields."""

    of: Lazy[Record]
    made: Computed

    def __call__(self, index: int) -> Record:
        record = self.of[index]
        found = self.made.make([record.get(name) for name in self.made.roots])
        return record | {name: cell for name, cell in zip(self.made.names, found, strict=True) if cell is not None}
