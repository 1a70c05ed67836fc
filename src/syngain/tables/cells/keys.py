"""Keys of a table: columns that name or number the rows, and new ones in the same form."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.data.columns.values import is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 20  # rows from which different values in every row are a key
NUMBERED = re.compile(r"(?P<prefix>(?:.*\D)?)(?P<number>\d{1,18})")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
LONG_NUMBER = 10**15  # from which different whole numbers are keys
TRIES = 50
LETTERS = {"d": "0123456789", "l": "abcdefghijklmnopqrstuvwxyz", "u": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


@dataclass(frozen=True)
class Key:
    """How keys are formed.

    Attributes:
        known: the real ones. prefix: text before the number. start, step: of the numbers that follow (step 0: not
            numbered). digits: the least digits of a number.
    """

    known: frozenset[str]
    prefix: str = ""
    start: int = 0
    step: int = 0
    digits: int = 1

    def new(self, rows: int, rng: np.random.Generator) -> list[str]:
        """Keys that no real row has."""
        if self.step:
            numbers = range(self.start, self.start + rows * self.step, self.step)
            return [f"{self.prefix}{number:0{self.digits}d}" for number in numbers]
        models = sorted(self.known)
        if UUID.fullmatch(models[0]):
            return [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(rows)]
        taken, out = set(self.known), []
        for row in range(rows):
            key = next((key for key in (_like(models, rng) for _ in range(TRIES)) if key not in taken), "")
            key = key or f"{models[0]}-{row + 1}"
            taken.add(key)
            out.append(key)
        return out


def key_of(texts: Sequence[str]) -> Key | None:
    """How the keys of a column are formed; None where it holds none.

    Numbers are keys when they are consecutive in any order; other texts when every row has another one without spaces.
    """
    known = frozenset(texts)
    if len(texts) < FEWEST or len(known) < len(texts) or any(is_missing(text) for text in texts):
        return None
    matches = [NUMBERED.fullmatch(text) for text in texts]
    found = [match for match in matches if match]
    prefixes = {match["prefix"] for match in found}
    if len(found) == len(texts) and len(prefixes) == 1:
        prefix = prefixes.pop()
        numbers = np.sort(np.array([int(match["number"]) for match in found]))
        steps = np.diff(numbers)
        digits = {len(match["number"]) for match in found}
        least = min(digits) if len(digits) == 1 or any(match["number"][0] == "0" for match in found) else 1
        if (steps == steps[0]).all():
            return Key(known, prefix, int(numbers[-1] + steps[0]), int(steps[0]), least)
        if not any(letter.isalpha() for letter in prefix):
            return Key(known) if not prefix and numbers[0] >= LONG_NUMBER else None  # measurements are no keys
        return Key(known, prefix, int(numbers[-1]) + 1, 1, least)
    if any(letter.isspace() for text in texts for letter in text) or not all(map(_has_letter, texts)):
        return None
    return Key(known)


def _has_letter(text: str) -> bool:
    return any(letter.isalpha() for letter in text) and re.fullmatch(r"[\d.]+[eE][+-]?\d+", text) is None


def _like(models: Sequence[str], rng: np.random.Generator) -> str:
    """A key with the form of a real one: other digits and letters, the same signs."""
    model = models[int(rng.integers(len(models)))]
    return model[:1] * model[:1].isdigit() + "".join(_other(c, rng) for c in model[model[:1].isdigit() :])


def _other(letter: str, rng: np.random.Generator) -> str:
    kind = "d" if letter.isdigit() else "l" if letter.islower() else "u" if letter.isupper() else ""
    choices = LETTERS.get(kind, letter)
    return choices[int(rng.integers(len(choices)))] if letter.isascii() else letter
