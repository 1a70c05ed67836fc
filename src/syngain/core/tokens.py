"""Tokenizer of conditions."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from syngain.core.errors import UsageError

LONGEST = 4_000  # characters of a condition
WORDS = frozenset({"and", "or", "not"})
_PATTERN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
  | (?P<sign><=|>=|==|!=|<|>|\(|\))
  | (?P<string>"[^"]*"|'[^']*')
  | (?P<field>:[A-Za-z0-9_]*)
  | (?P<name>[A-Za-z_][\w.]*(?:@(?:[^\s()<>!="':]|=(?!=))+)?)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token: ``number, sign, string, field, name, word`` or ``end``; columns from 1."""

    kind: str
    text: str
    column: int


def tokens(expression: str) -> tuple[Token, ...]:
    """Tokenize a condition; the last token has kind ``end``.

    Strings lose their quotes, fields their colon.

    Raises:
        UsageError: a character is not allowed, or the condition is longer than 4,000 characters.
    """
    if len(expression) > LONGEST:
        raise UsageError(
            f"a condition of {len(expression):,} characters",
            expected=f"at most {LONGEST:,}",
            todo="shorten or split it",
        )
    found: list[Token] = []
    at = 0
    while at < len(expression):
        match = _PATTERN.match(expression, at)
        if match is None:
            raise UsageError(
                f"{expression[at]!r} at column {at + 1} of {expression!r} is not valid in a condition",
                expected="ids of estimates, numbers, quoted words, < <= > >= == !=, and, or, not, parentheses",
                todo='write for example "gain.macro_f1:lower90 <= 0"',
            )
        kind, text = str(match.lastgroup), match.group()
        if kind != "space":
            found.append(_token(kind, text, at + 1))
        at = match.end()
    return (*found, Token("end", "", len(expression) + 1))


def _token(kind: str, text: str, column: int) -> Token:
    if kind == "number" and not math.isfinite(float(text)):
        raise UsageError(
            f"{text} at column {column} overflows", expected="a finite number", todo="write a number below 1e308"
        )
    if kind == "string":
        return Token(kind, text[1:-1], column)
    if kind == "field":
        return Token(kind, text[1:], column)
    return Token("word" if kind == "name" and text in WORDS else kind, text, column)
