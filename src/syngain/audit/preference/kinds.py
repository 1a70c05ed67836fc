"""The kinds of bad preferences. A kind is added here: its words, and how it is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.data.blocks import row_values
from syngain.data.text import hashed_ngrams
from syngain.data.text.near_duplicates import MinHash, jaccard
from syngain.data.text.normal_forms import normal_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.frame import RowSet
    from syngain.core.arrays import Flags, Floats, Ints

ALIKE = 0.7  # ratio of lengths below which two responses are no near duplicates
EQUAL, NEAR, OTHER_PROMPT, LONGER, EMPTY = range(5)


@dataclass(frozen=True, slots=True)
class PreferenceKind:
    """A kind of bad preference.

    Attributes:
        words: completes "12% of pairs ...". many: the rows, as a noun.
        note: a kind for which no row is dropped, and which is never high.
        usable: whether it is counted among the pairs that are none of :data:`WHOLE`: only those can prefer anything.
    """

    words: str
    many: str
    note: bool = False
    usable: bool = False

    @property
    def of(self) -> str:
        """The pairs that it is a fraction of."""
        return "the synthetic pairs with two different responses" if self.usable else "synthetic pairs"


KINDS: Mapping[str, PreferenceKind] = {
    "equal": PreferenceKind("have equal responses", "pairs of equal responses"),
    "empty": PreferenceKind("have an empty rejected response", "empty rejected responses"),
    "prompt": PreferenceKind("answer two different prompts", "pairs of different prompts"),
    "near_equal": PreferenceKind("have nearly equal responses", "pairs of nearly equal responses"),
    "score": PreferenceKind("have the lower score on the chosen response", "pairs against their scores"),
    "swapped": PreferenceKind("look swapped", "swapped pairs"),
    "longer": PreferenceKind("prefer the longer response", "pairs that prefer length", note=True, usable=True),
}
"""By name, in the order in which they are looked for; the first four say what the whole pair is."""
COUNTED = tuple(name for name in KINDS if name != "swapped")
WHOLE = ("equal", "empty", "prompt", "near_equal")


def visible(rows: RowSet) -> Mapping[str, Flags]:
    """Flags (n,) of the kinds that a pair shows by itself; one pass over the rows."""
    compared = rows.preferences
    assert compared is not None  # noqa: S101  (the caller looked)
    sides = (rows.texts["prompt"], compared.prompts, rows.texts["response"], compared.rejected)
    bits = row_values(lambda part: _bits(*(side[part] for side in sides)), rows.size, np.int64)
    seen = [(bits >> place & 1).astype(bool) for place in range(5)]
    margins = np.zeros(rows.size) if compared.margins is None else np.array(compared.margins)
    flags = {
        "equal": seen[EQUAL],
        "empty": seen[EMPTY] & ~seen[EQUAL],
        "prompt": seen[OTHER_PROMPT] & ~seen[EQUAL] & ~seen[EMPTY],
        "near_equal": seen[NEAR] & ~seen[EQUAL] & ~seen[OTHER_PROMPT],
    }
    whole = np.any(list(flags.values()), axis=0)
    return {**flags, "score": (margins < 0) & ~whole, "longer": seen[LONGER] & ~whole}


def _bits(prompts: Sequence[str], others: Sequence[str], chosen: Sequence[str], rejected: Sequence[str]) -> Ints:
    """What each pair shows, one bit each (n,)."""
    out = np.zeros(len(prompts), dtype=np.int64)
    close: list[int] = []
    for row, (prompt, other, better, worse) in enumerate(zip(prompts, others, chosen, rejected, strict=True)):
        alike = min(len(better), len(worse)) >= ALIKE * max(len(better), len(worse))
        equal = better == worse or (alike and normal_text(better) == normal_text(worse))
        differs = prompt is not other and prompt != other and normal_text(prompt) != normal_text(other)
        out[row] = equal << EQUAL | differs << OTHER_PROMPT | (len(better) > len(worse)) << LONGER
        out[row] |= (not worse.strip()) << EMPTY
        if alike and not equal:
            close.append(row)
    if close:
        near = _similarity([chosen[row] for row in close], [rejected[row] for row in close]) >= MinHash().threshold
        out[np.array(close)[near]] |= 1 << NEAR
    return out


def _similarity(first: Sequence[str], second: Sequence[str]) -> Floats:
    """Jaccard similarity of the sets of n-grams of two texts of each row (n,)."""
    sets = []
    for texts in (first, second):
        laid = hashed_ngrams.lay_out([normal_text(text) for text in texts])
        found = hashed_ngrams.count_matrix(*hashed_ngrams.character_ngrams(laid, MinHash().ngram), (laid.rows, 1 << 20))
        found.data[:] = 1
        sets.append(found)
    rows = np.arange(len(first))
    return jaccard(sets[0], rows, sets[1], rows)
