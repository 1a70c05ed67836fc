"""Plain arithmetic in responses, recomputed: ``12 * 3 = 36``, ``<<48/2=24>>``, ``$1,200 + 300 = $1,500``."""

from __future__ import annotations

import re
from itertools import pairwise, product
from typing import TYPE_CHECKING

from syngain.audit.responses.checks.expressions import PERCENT, Expression, NotArithmeticError, decimals, normal_signs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syngain.audit.responses.prompt_response import Response

_QUICK = re.compile(r"[\d%)]\**\s*=\s*\**[-−(]*[$€£¥]?[.\d]")
_ANNOTATED = re.compile(r"<<([^<>]*)>>")
_LATEX = (
    (re.compile(r"\\(?:times|cdot)\b\s*"), "*"),
    (re.compile(r"\\div\b\s*"), "/"),
    (re.compile(r"\\(?=[$%])"), ""),
)
_TIMES = re.compile(r"(?<=[\d)%])\s*[xX]\s*(?=[\d($.])")
_OF = re.compile(r"(%|\d/\d+)\s+of\s+(?=[$€£¥]?\d)")
_RUN = re.compile(r"(?:[\d.,$€£¥(+*=-][\d.,$€£¥%()+*/^=\- \t]*)?=[\d.,$€£¥%()+*/^=\- \t]*")
_CODE = re.compile(r"`[^`\n]*`")
_SIGN = re.compile(r"\$(?![\d.])")  # of a formula
_OVER = re.compile(r"/\s+(\d+)/(\d+)(?!\d)")
_LEADING = re.compile(r"0\d.*")  # clocks, codes
_STOP = re.compile(r"[.,](?=\s|$)|(?<=\s)\.(?=\s)")
_ELSEWHERE = re.compile(
    r"\b(?:mod(?:ulo|ular)?|binary|hexadecimal|octal|base[- ]?\d|logarithms?|boolean|matri(?:x|ces)|remainder)\b",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"[\w:\\^<>!~≈≤≥≠√|{}\[\]#@&'′°∑∏∫?/%)]$|[\\^<>!~≈≤≥≠√|∑∏∫?/%)]\s*$|(?<![^\W\d_])[xX]\s*$"  # part of more
)
_AFTER = re.compile(
    r"[\w:\\^<>!~≈≤≥≠√|{}\[\]²³°!'′]|\s*[\\<>~≈≤≥≠√|²³?]|"
    r"\s*(?:r|rem|mod|hundred|thousand|million|billion|trillion|mn|bn|dozens?|squared|cubed|of|to|or|pi|π|[a-z])\b"
    r"|\s*(?:hours?|hrs?|minutes?|mins?|days?|weeks?|months?|years?|feet|foot|ft|pounds?|lbs?|dollars?),?\s+(?:and\s+)?\d",
    re.IGNORECASE,
)
_BOLD = re.compile(r"^\s*\*+(?=[\d$€£¥(.-])|(?<=[\d%)])\*+\s*$")
_DANGLING = re.compile(r"\s*[-+]\s")
_SIMPLE = re.compile(r"\s*\$?(\d+(?:\.\d+)?) ?([-+*/]) ?\$?(\d+(?:\.\d+)?) ?= ?\$?(\d+(?:\.\d+)?)\s*")
_MIXED = re.compile(r"(?<![\d.,/])(\d+) (\d{1,2})/(\d{1,3})(?![\d/.,])")
_BINARY = re.compile(r"[01]+")
EXACT = 1e-9


def wrong_arithmetic(answer: Response) -> bool:
    """Whether an equation of plain numbers in the response does not hold; one that the prompt has is left out."""
    text = answer.final
    if "=" not in text or not _QUICK.search(text):
        return False
    text = _CODE.sub(" ", answer.prose) if "`" in answer.prose else answer.prose
    if _ELSEWHERE.search(text):
        return False
    return any(wrong_equations(text)) and not any(wrong_equations(answer.prompt))


def wrong_equations(text: str) -> Iterator[str]:
    """The equations of a text that do not hold."""
    if "=" not in text:
        return
    for found in _ANNOTATED.findall(text) if "<<" in text else ():
        if not _holds(found) and _is_wrong(_prepared(found), "", ""):
            yield found
    text = _prepared(_ANNOTATED.sub("", text))
    for run in _RUN.finditer(text):
        before, after = text[max(run.start() - 4, 0) : run.start()], text[run.end() : run.end() + 40]
        if _holds(run[0]):
            continue
        at_start = not before.strip(" \t") or before.rstrip(" \t").endswith("\n")
        chunks = _STOP.split(run[0])
        for place, chunk in enumerate(chunks):
            first, last = place == 0, place == len(chunks) - 1
            if _is_wrong(
                _unlisted(chunk) if first and at_start else chunk, before if first else "", after if last else ""
            ):
                yield chunk.strip()


def _prepared(text: str) -> str:
    """The text with one sign for each operation."""
    text = normal_signs(text)
    if "$" in text:
        text = _SIGN.sub("", text)
    if "\\" in text:
        for pattern, sign in _LATEX:
            text = pattern.sub(sign, text)
    if "x" in text or "X" in text:
        text = _TIMES.sub("*", text)
    if " of " in text:
        text = _OF.sub(r"\1 * ", text)
    return _MIXED.sub(_mixed, _OVER.sub(r"/ (\1/\2)", text)) if "/" in text else text


def _mixed(match: re.Match[str]) -> str:
    """A number with a fraction, ``1 1/2``, as a sum in brackets."""
    whole, above, below = match.groups()
    return f"({whole}+{above}/{below})" if 0 < int(above) < int(below) else match[0]


def _unlisted(chunk: str) -> str:
    """A line without the mark of a list."""
    return re.sub(r"^\s*(?:[-+*]\s+)?", "", chunk)


def _is_wrong(chunk: str, before: str, after: str) -> bool:
    """Whether two neighboring sides of an equation differ; ``before`` and ``after`` it stands other text."""
    if _holds(chunk):
        return False
    sides = chunk.split("=")
    if len(sides) < 2 or "" in (side.strip() for side in sides[1:-1]):  # ``==`` is no equation
        return False
    read: list[Expression | None] = []
    for place, side in enumerate(sides):
        first, last = place == 0, place == len(sides) - 1
        foreign = (first and _BEFORE.search(before if side[:1].strip() else before.rstrip() + " ")) or (
            last and _AFTER.match(side[len(side.rstrip()) :] + after)
        )
        read.append(None if foreign else _read(side, first=first, last=last))
    if read[0] is not None and read[0].is_number:  # ``4 = 6 * 15 = 90`` can be the name of what is computed
        read[0] = None
    return any(_differ(left, right) for left, right in pairwise(read))


def _holds(chunk: str) -> bool:
    """Whether the chunk is one operation with its exact result, which most are."""
    match = _SIMPLE.fullmatch(chunk)
    if match is None:
        return False
    x, y, found = float(match[1]), float(match[3]), float(match[4])
    if match[2] == "/":
        return y != 0 and x == found * y
    return found == (x * y if match[2] == "*" else x + y if match[2] == "+" else x - y)


def _read(side: str, *, first: bool, last: bool) -> Expression | None:
    """One side; None where it is no plain expression. Stars around it are markup."""
    text = _BOLD.sub(" ", side) if "*" in side else side
    if not text.strip() or (first and _DANGLING.match(text)):
        return None
    try:
        whole = Expression.last(text) if first else Expression.first(text)
    except NotArithmeticError:
        return None
    if not (first or last) and whole != Expression.last(text):
        return None
    return whole


def _differ(left: Expression | None, right: Expression | None) -> bool:
    if left is None or right is None or (left.is_number and right.is_number):
        return False
    numbers = [number.strip("$€£¥%") for number in (*left.numbers, *right.numbers)]
    if all(map(_BINARY.fullmatch, numbers)) and max(map(len, numbers)) > 1:
        return False
    if any(map(_LEADING.fullmatch, numbers)) and not any("." in number for number in numbers):
        return False
    if left.is_fraction and right.is_number:  # ``2/3 = 40``: of something that stands before
        return False
    return not (_equal(left, right) or (not right.is_number and _equal(left, right.head())))


def _equal(left: Expression, right: Expression) -> bool:
    """Whether both sides agree in one reading, rounded as the written result is; or have no value in any."""
    readable = False
    for european in (False, True):
        for ours, theirs in product(PERCENT, PERCENT) if "%" in (*left.marks, *right.marks) else (PERCENT[:1] * 2,):
            x, y = left.value(european=european, percent=ours), right.value(european=european, percent=theirs)
            if x is None or y is None:
                continue
            readable = True
            if _close(x, y, left, right) or ("$" in left.signs and _close(100 * x, y, left, right)):  # cents
                return True
    return not readable


def _close(x: float, y: float, left: Expression, right: Expression) -> bool:
    if abs(x - y) <= EXACT * max(1.0, abs(x)):
        return True
    if not (left.is_number or right.is_number):
        return abs(x - y) <= 1e-6 * max(1.0, abs(x))
    result, computed = (right, x) if right.is_number else (left, y)
    number = result.numbers[-1]
    unit = 10.0 ** -(decimals(number) + (2 if number.endswith("%") else 0))
    scaled = computed / unit
    exact = abs(scaled - round(scaled)) < 1e-6
    return not exact and abs(x - y) < unit
