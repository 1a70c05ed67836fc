"""Encode tokens: codes of the word, its affixes and shape, and of its neighbors."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syngain.core.arrays import Floats

FEATURES = 11
_RUNS = re.compile(r"(.)\1+")


@dataclass(frozen=True, slots=True)
class TokenCodes:
    """Codes of the features of tokens, the same in every call."""

    _known: tuple[dict[str, int], ...] = field(default_factory=lambda: tuple({} for _ in range(FEATURES)))

    @property
    def values(self) -> tuple[int, ...]:
        """Number of codes of each feature."""
        return tuple(max(len(known), 1) for known in self._known)

    def of(self, rows: Sequence[Sequence[str]]) -> Floats:
        """Codes (tokens, features) of all tokens, row after row."""
        known = self._known
        out = [
            [codes.setdefault(value, len(codes)) for codes, value in zip(known, features, strict=True)]
            for tokens in rows
            for features in _features(tokens)
        ]
        return np.array(out, dtype=np.float64).reshape(-1, FEATURES)


def _features(tokens: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Word, affixes, shape and neighbors of each token."""
    lower = ["<", *(token.casefold() for token in tokens), ">"]
    forms = ["<", *map(shape, tokens), ">"]
    for place, token in enumerate(tokens, 1):
        word, before, after = lower[place], lower[place - 1], lower[place + 1]
        yield (
            word,
            token,
            word[-3:],
            word[-2:],
            word[:3],
            forms[place],
            before,
            after,
            f"{forms[place - 1]} {forms[place]}",
            f"{before} {forms[place]}",
            f"{after} {forms[place]}",
        )


def shape(token: str) -> str:
    """The shape of a token: ``Xx`` for Oslo, ``d`` for 2024; equal neighbors once."""
    marks = "".join(
        "X" if mark.isupper() else "x" if mark.isalpha() else "d" if mark.isdigit() else mark for mark in token[:20]
    )
    return _RUNS.sub(r"\1", marks)
