"""Texts with cached features per row: signatures, n-gram counts, embeddings."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar, cast, overload

import numpy as np

if TYPE_CHECKING:
    from syngain.core.arrays import Ints

KEPT = 65_536
"""Maximum of rows for cached features; larger datasets compute them on demand, in bounded memory."""


class RowFeature(Protocol):
    """One entry per row, indexed by an array of rows.

    An array, a sparse matrix, or signatures.
    """

    def __getitem__(self, rows: Ints, /) -> object:
        """The entries of these rows."""
        ...


Feature = TypeVar("Feature", bound=RowFeature)


class Texts(Sequence[str]):
    """Texts of one side of the rows, with cached features.

    A part (:meth:`take`) uses the cache of the whole. Features depend on a row alone, never on the others: the features
    of a part are rows of those of the whole.
    """

    __slots__ = ("_features", "_rows", "_values", "_whole")

    def __init__(self, values: Sequence[str], *, whole: Texts | None = None, rows: Ints | None = None) -> None:
        self._values = list(values)
        self._whole = whole
        self._rows = rows
        self._features: dict[Hashable, RowFeature] = {}

    @classmethod
    def of(cls, values: Sequence[str]) -> Texts:
        """The same object if it already is ``Texts``, else a new one without features."""
        return values if isinstance(values, Texts) else cls(values)

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        return self._values[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and not isinstance(other, str) and list(self) == list(other)

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return repr(self._values)

    def __reduce__(self) -> tuple[type[Texts], tuple[list[str]]]:
        return Texts, (self._values,)

    def take(self, rows: Sequence[int]) -> Texts:
        """The texts at ``rows``, in this order; rows may repeat."""
        at = np.asarray(rows, dtype=np.int64)
        whole, chosen = (self, at) if self._whole is None or self._rows is None else (self._whole, self._rows[at])
        return Texts([self._values[row] for row in at.tolist()], whole=whole, rows=chosen)

    def feature(self, key: Hashable, compute: Callable[[Sequence[str]], Feature]) -> Feature:
        """Features from ``compute``, one entry per row, computed once per row and key.

        Args:
            key: names the feature and all its settings.
            compute: the entries of given texts, in their order.
        """
        known = self._features.get(key)
        if known is not None:
            return cast("Feature", known)  # the key names the type
        if self._whole is not None and self._rows is not None and self._whole.keeps(key):
            return cast("Feature", self._whole.feature(key, compute)[self._rows])
        found = compute(self._values)
        if len(self) <= KEPT:
            self._features[key] = found
        return found

    def keeps(self, key: Hashable) -> bool:
        """Whether the feature is cached, or would be once computed."""
        return key in self._features or len(self) <= KEPT
