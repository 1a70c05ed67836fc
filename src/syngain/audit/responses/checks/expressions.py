"""Plain arithmetic: the values of an expression of numbers, operators and brackets, in every way to read it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NUMBER = r"[$€£¥]?(?:\d+(?:[.,]\d+)*|\.\d+)%?"
_TOKEN = re.compile(rf"(?P<number>{NUMBER})|(?P<sign>\*\*|[-+*/^()])|(?P<space>\s+)")
_SIGNS = str.maketrans({"×": "*", "·": "*", "∙": "*", "⋅": "*", "∗": "*", "÷": "/", "−": "-", "–": "-"})
_EUROPEAN = re.compile(r"\d{1,3}(?:\.\d{3})*(?:,\d+)?|\d+,\d+")
_AMERICAN = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+")
_GROUP = re.compile(r"\d{3}(?:[.,]\d+)?%?")
LARGEST, HIGHEST = 1e12, 64
PERCENT = ("fraction", "number", "added")  # what a percentage is: 10% is 0.1, 10, or a part of what stands before


class NotArithmeticError(ValueError):
    """The text is no expression of plain numbers."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression as tokens.

    Attributes:
        tokens: numbers, operators, brackets.
    """

    tokens: tuple[str, ...]

    @classmethod
    def last(cls, text: str) -> Expression:
        """The expression at the end of a text: what stands before a number without an operator is left out."""
        return cls(tuple(_parts(text)[-1]))

    @classmethod
    def first(cls, text: str) -> Expression:
        """The expression at the beginning of a text."""
        return cls(tuple(_parts(text)[0]))

    @property
    def is_number(self) -> bool:
        """Whether there is nothing to compute."""
        return len([token for token in self.tokens if token not in {"-", "(", ")"}]) == 1

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers in it, as written."""
        return tuple(token for token in self.tokens if token[-1].isdigit() or token[-1] == "%")

    @property
    def marks(self) -> frozenset[str]:
        """The last characters of its numbers."""
        return frozenset(number[-1] for number in self.numbers)

    @property
    def signs(self) -> frozenset[str]:
        """The first characters of its numbers."""
        return frozenset(number[0] for number in self.numbers)

    @property
    def is_fraction(self) -> bool:
        """Whether it is one proper fraction of whole numbers, such as ``2/3``."""
        if len(self.tokens) != 3 or self.tokens[1] != "/" or not (self.tokens[0] + self.tokens[2]).isdigit():
            return False
        return int(self.tokens[0]) < int(self.tokens[2])

    def head(self) -> Expression:
        """Its first number: of equations that run on (``2 + 3 = 5 * 4 = 20``)."""
        end = next((place for place, token in enumerate(self.tokens) if token[-1].isdigit()), 0)
        return Expression(self.tokens[: end + 1])

    def value(self, *, european: bool, percent: str = PERCENT[0]) -> float | None:
        """The value in one reading; None where there is none."""
        try:
            found = _Descent(self.tokens, european, percent).whole()
        except (NotArithmeticError, ZeroDivisionError, OverflowError, RecursionError):
            return None
        return found if math.isfinite(found) and abs(found) <= LARGEST else None


def normal_signs(text: str) -> str:
    """The text with one sign for each operation."""
    return text if text.isascii() else text.translate(_SIGNS)


def _parts(text: str) -> list[list[str]]:
    """Tokens of a text, split where two values follow each other without an operator.

    Raises:
        NotArithmeticError: the text holds something else.
    """
    parts: list[list[str]] = [[]]
    place, spaced, depth = 0, False, 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise NotArithmeticError(text)
        place = match.end()
        if match["space"]:
            spaced = True
            continue
        part = match[0]
        before = parts[-1][-1] if parts[-1] else ""
        if (part == "(" or match["number"]) and (before == ")" or before[-1:].isdigit() or before[-1:] == "%"):
            if match["number"] and _GROUP.fullmatch(part):  # thousands behind a space
                raise NotArithmeticError(text)
            if spaced or match["number"] or depth:
                parts.append([])
                depth = 0
            else:
                parts[-1].append("*")
        depth += (part == "(") - (part == ")")
        if depth < 0:  # the bracket of ``1)``
            parts.append([])
            depth = 0
        else:
            parts[-1].append(part)
        spaced = False
    return parts


@dataclass(slots=True)
class _Descent:
    """Recursive descent over tokens."""

    tokens: Sequence[str]
    european: bool
    percent: str
    place: int = 0

    def whole(self) -> float:
        """The value of all tokens."""
        found = self._sum()
        if self.place < len(self.tokens):
            raise NotArithmeticError
        return found

    def _next(self, *signs: str) -> str:
        if self.place < len(self.tokens) and self.tokens[self.place] in signs:
            self.place += 1
            return self.tokens[self.place - 1]
        return ""

    def _sum(self) -> float:
        found = self._product()
        while sign := self._next("+", "-"):
            start = self.place
            other = self._product()
            if self.percent == "added" and self.place == start + 1 and self.tokens[start].endswith("%"):
                other *= found  # 100 + 10% = 110
            found = found + other if sign == "+" else found - other
        return found

    def _product(self) -> float:
        found = self._power()
        while sign := self._next("*", "/"):
            other = self._power()
            found = found * other if sign == "*" else found / other
        return found

    def _power(self) -> float:
        if self._next("-"):
            return -self._power()
        base = self._atom()
        if not self._next("^", "**"):
            return base
        exponent = self._power()
        if abs(exponent) > HIGHEST or (base < 0 and exponent != int(exponent)):
            raise NotArithmeticError
        return float(base**exponent)

    def _atom(self) -> float:
        if self._next("("):
            found = self._sum()
            if not self._next(")"):
                raise NotArithmeticError
            return found
        if self.place >= len(self.tokens):
            raise NotArithmeticError
        self.place += 1
        return self._number(self.tokens[self.place - 1])

    def _number(self, token: str) -> float:
        digits = token.strip("$€£¥%")
        if not (_EUROPEAN if self.european else _AMERICAN).fullmatch(digits):
            raise NotArithmeticError
        plain = digits.replace(".", "").replace(",", ".") if self.european else digits.replace(",", "")
        scale = 100 if token.endswith("%") and self.percent != "number" else 1
        return float(plain) / scale


def decimals(token: str) -> int:
    """Digits after the decimal point of a number."""
    digits = token.strip("$€£¥%")
    return len(digits.rpartition(".")[2]) if "." in digits else 0
