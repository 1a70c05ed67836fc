"""The template of a dataset: its most common opening, in words or tokens.

The opening is that of the audit: the first five words, lower case.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from syngain.audit.measures.uniformity import OPENING_WORDS
from syngain.data.text.words import first_words, phrase, spaced_pieces, words

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

Item = TypeVar("Item", bound="Hashable")

MOST_SHARED = 0.5  # of the rows with the opening: above it the longest shared start is unique
SHORTEST = 2  # words of a template: one common word may be chance


@dataclass(frozen=True, slots=True)
class Template:
    """What most responses open with.

    Attributes:
        opening: the most common opening, in words. rows: positions of the responses that have it. of: responses seen.
    """

    opening: str
    rows: tuple[int, ...]
    of: int

    @property
    def share(self) -> float:
        """Fraction of the responses that open with it."""
        return len(self.rows) / self.of if self.of else 0.0

    def opens(self, text: str) -> bool:
        """Whether a text opens with the template."""
        own = words(self.opening)
        return bool(own) and words(text)[: len(own)] == own


def template_of(responses: Sequence[str]) -> Template:
    """The most common opening of responses; empty where no opening occurs twice.

    Of equally common openings the first is taken.

    A template may be shorter than an opening: where more than half of the responses have two words or more at their
    start in common, but not five, the template is this common start.
    """
    openings = [tuple(first_words(response, OPENING_WORDS)) for response in responses]
    start = shared_start(openings)
    counts = Counter(found for found in openings if found)
    if len(start) < SHORTEST:
        most, count = counts.most_common(1)[0] if counts else ((), 0)
        start = most if count > 1 else ()
    size = len(start)
    having = tuple(i for i, found in enumerate(openings) if size and found[:size] == start)
    return Template(phrase(start), having, len(responses))


def shared_start(rows: Sequence[Sequence[Item]], share: float = MOST_SHARED) -> tuple[Item, ...]:
    """The longest start that more than ``share`` of the sequences have.

    ``share`` of at least one half makes it unique.
    """
    start: list[Item] = []
    followers = list(rows)
    while True:
        counts = Counter(row[len(start)] for row in followers if len(row) > len(start))
        if not counts:
            return tuple(start)
        item, count = counts.most_common(1)[0]
        if count <= share * len(rows):
            return tuple(start)
        followers = [row for row in followers if len(row) > len(start) and row[len(start)] == item]
        start.append(item)


def agreement(row: Sequence[Item], start: Sequence[Item]) -> int:
    """How many items of ``start`` a sequence begins with."""
    count = 0
    for ours, theirs in zip(row, start, strict=False):
        if ours != theirs:
            break
        count += 1
    return count


def pieces(text: str) -> list[str]:
    """Words of a text, each with the white space after it.

    Joined they are the text without its leading white space.
    """
    return spaced_pieces(text)
