"""Index of all byte n-grams of rows, for n-gram models; of symbols of a compact code in scripts without spaces.

A row is a prompt and a text; only the text and its end are positions of the index, the prompt is context. One symbol,
256, which is not a byte, marks the start of a prompt, the border between prompt and text, and the end. Symbols take
nine bits, so seven of them fit a 64-bit code exactly: nothing is hashed.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError
from syngain.learners.compact import BYTES, COMPACT, is_compact, symbols

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Flags, Floats, Ints, Unsigned

END = 256
BITS = 9
LONGEST = 7  # 7 * 9 bits = 63


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The distinct n-grams of one length: a symbol after k symbols of context.

    Attributes:
        codes: the n-grams (u,), increasing; symbol, last, ..., first symbol of the context from high to low bits.
        parent: the same n-gram without the first symbol of its context, in the level below (u,).
        context: the context of each n-gram (u,), in ``contexts`` (v,), the increasing codes of the distinct contexts.
        opening: whether the context begins with symbol 256 (u,): it has no longer context, or a prompt as its context.
    """

    codes: Unsigned
    parent: Ints
    context: Ints
    contexts: Unsigned
    opening: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Grams:
    """Rows as n-grams of all lengths up to ``len(levels)``.

    Attributes:
        levels: from no context to the longest one.
        gram: the longest n-gram at every scored position (p,), in the last level; rows in order, texts with their end.
        size: UTF-8 bytes of each text (n,). key: checksum of each row (n,).
        positions: symbols of each row with its end (n,); bytes and one more, unless the code is compact.
        alphabet: the number of symbols, 257, or 512 in the compact code of scripts without spaces.
    """

    levels: tuple[Level, ...]
    gram: Ints
    size: Ints
    key: Ints
    positions: Ints
    alphabet: int = BYTES

    @classmethod
    def of(
        cls, texts: Sequence[str], prompts: Sequence[str] | None = None, *, order: int, compact: bool | None = None
    ) -> Grams:
        """Index texts (n,), each after its prompt (n,); lone surrogates are kept.

        ``compact``: whether the code is; None: where a tenth of the texts are in scripts without spaces.

        Raises:
            UsageError: prompts that do not match the texts, or an order outside 1 to 7.
        """
        if not 1 <= order <= LONGEST:
            raise UsageError(
                f"order {order}",
                expected=f"1 to {LONGEST}: longer n-grams do not fit a 64-bit code",
                todo=f"pass order={LONGEST} or less",
            )
        if prompts is not None and len(prompts) != len(texts):
            raise UsageError(
                f"{len(prompts)} prompts for {len(texts)} texts",
                expected="one prompt per text",
                todo="pass one prompt per text, or prompts=None",
            )
        said = [text.encode("utf-8", "surrogatepass") for text in texts]
        asked = [b""] * len(said) if prompts is None else [text.encode("utf-8", "surrogatepass") for text in prompts]
        size = np.array([len(text) for text in said], dtype=np.int64)
        key = np.array([zlib.crc32(b, zlib.crc32(a)) for a, b in zip(asked, said, strict=True)], dtype=np.int64)
        compact = is_compact(texts) if compact is None else compact
        told = [symbols(text, compact=compact) for text in texts]
        given = [""] * len(told) if prompts is None else [symbols(text, compact=compact) for text in prompts]
        distinct, gram = np.unique(_codes(given, told, order), return_inverse=True)
        positions = np.array([len(text) + 1 for text in told], dtype=np.int64)
        return cls(_levels(distinct, order), gram, size, key, positions, COMPACT if compact else BYTES)

    @classmethod
    def after(cls, context: Sequence[int], prompt: Sequence[int], *, order: int, alphabet: int = BYTES) -> Grams:
        """The symbols of the alphabet that may follow the symbols ``context``, each as a row of one position."""
        past = [*([END] * LONGEST), *prompt, END, *context][::-1]
        code = sum(symbol << BITS * (order - 2 - age) for age, symbol in enumerate(past[: order - 1]))
        codes = np.arange(alphabet, dtype=np.uint64) << np.uint64(BITS * (order - 1)) | np.uint64(code)
        nothing = np.zeros(alphabet, dtype=np.int64)
        return cls(_levels(codes, order), np.arange(alphabet), nothing, nothing, nothing + 1, alphabet)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.size.size)

    def counted(self, weight: Floats) -> Floats:
        """Counts of the longest n-grams (u,), with row ``weight`` (n,)."""
        return sums(self.gram, np.repeat(weight, self.positions), self.levels[-1].codes.size)

    def summed(self, value: Floats) -> Floats:
        """Sum of a value per longest n-gram (u,) over the positions of each row (n,)."""
        row = np.repeat(np.arange(self.rows), self.positions)
        return sums(row, value[self.gram], self.rows)


def sums(index: Ints, value: Floats, size: int) -> Floats:
    """Sums of values (p,) by index (p,) below ``size``."""
    return np.asarray(np.bincount(index, weights=value, minlength=size), dtype=np.float64)


def _codes(asked: Sequence[str], said: Sequence[str], order: int) -> Unsigned:
    """The code of every scored position, from its last ``order`` symbols.

    (symbol, last symbol before it, ..., oldest of ``order`` - 1).
    """
    laid, ends = _laid_out(asked, said, order - 1)
    code = np.zeros(max(laid.size - order + 1, 0), dtype=np.uint64)
    for age in range(order):
        code <<= np.uint64(BITS)
        code |= laid[order - 1 - age : laid.size - age]
    scored = np.ones(laid.size, dtype=bool)
    starts = ends - np.array([len(text) for text in said], dtype=np.int64)
    for age in range(1, order):
        scored[starts - age] = False
    return code[scored[order - 1 :]]


def _laid_out(asked: Sequence[str], said: Sequence[str], past: int) -> tuple[Unsigned, Ints]:
    """Concatenated rows, and the positions of their ends (n,).

    Each row is ``past`` symbols of context, text, end. Only the last symbols of a prompt are context; symbol 256 pads
    shorter contexts.
    """
    room = max(past - 1, 0)
    mark = "\0" if past else ""
    tails = [prompt[max(len(prompt) - room, 0) :] for prompt in asked]
    flat = "".join(
        part for tail, text in zip(tails, said, strict=True) for part in (tail.rjust(room, "\0"), mark, text, "\0")
    )
    laid = np.frombuffer(flat.encode("utf-16-le", "surrogatepass"), dtype="<u2").astype(np.uint64)
    size = np.array([len(text) for text in said], dtype=np.int64)
    kept = np.array([len(tail) for tail in tails], dtype=np.int64)
    ends = np.cumsum(size + past + 1) - 1
    laid[ends] = END
    starts = ends - size
    if past:
        laid[starts - 1] = END
    for age in range(2, past + 1):
        laid[(starts - age)[kept < age - 1]] = END
    return laid, ends


def _levels(distinct: Unsigned, order: int) -> tuple[Level, ...]:
    levels: list[Level] = []
    codes = distinct
    for length in range(order - 1, -1, -1):
        above = codes >> np.uint64(BITS)
        first = np.ones(codes.size, dtype=bool)
        np.not_equal(above[1:], above[:-1], out=first[1:])
        parent = np.cumsum(first) - 1 if length else np.zeros(codes.size, dtype=np.int64)
        past = codes & np.uint64((1 << BITS * length) - 1)
        contexts, context = np.unique(past, return_inverse=True)
        opening = codes & np.uint64((1 << BITS) - 1) == END if length else np.zeros(codes.size, dtype=bool)
        levels.append(Level(codes, parent, context, contexts, opening))
        codes = above[first]
    return tuple(levels[::-1])
