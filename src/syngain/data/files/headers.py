"""The separator of a table, and whether its first line is a header, by the first rows."""

from __future__ import annotations

import csv
import re
from itertools import pairwise
from statistics import mean, median
from typing import TYPE_CHECKING

from syngain.data.columns.pairs import ALONE, CHATS, FURTHER, RESPONSES
from syngain.data.columns.roles import GENERATOR, LABEL, NO_LABELS, SOURCE, TEXT
from syngain.data.columns.values import is_missing, written_number

if TYPE_CHECKING:
    from collections.abc import Sequence

SEPARATORS = ",;\t|"
SAMPLE, LOOKED_AT = 200, 1 << 16  # rows and characters that are looked at
TITLES = 10  # rows above a header
NAMED = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
LEAST = 3  # rows below the first line, fewer prove nothing
FEW = 20  # distinct numbers up to which whole numbers can be labels
WORDS = 3  # of the usual cell of a column of texts
SENTENCE = 5  # words from which a cell is no name of a column
KNOWN = {
    *(name for names in (TEXT, LABEL, SOURCE, GENERATOR, CHATS, RESPONSES, ALONE, NO_LABELS) for name in names),
    *(name for asked, answers in FURTHER for name in (asked, *answers)),
}


def separator(head: str, usual: str) -> str:
    """The separator of a table: the usual one, unless its rows only agree with another."""
    if _columns(head, usual) > 1:
        return usual
    counts = {mark: _columns(head, mark) for mark in SEPARATORS if mark != usual}
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] > 1 else usual


def _columns(head: str, mark: str) -> int:
    """The number of columns that all of the first rows have; 0 where they differ."""
    rows = sampled(head, mark)
    sizes = {len(row) for row in rows[titles(rows) :]}
    return sizes.pop() if len(sizes) == 1 else 0


def named_separator(line: str) -> str | None:
    """The separator that a first line names for spreadsheets, as in ``sep=;``."""
    found = NAMED.fullmatch(line.strip("\r\n"))
    return found[1] if found else None


def titles(rows: Sequence[Sequence[str]]) -> int:
    """The number of rows above the header: each has one filled cell at most, and a table of short names follows."""
    lead = 0
    while lead < min(TITLES, len(rows)) and _is_title(rows[lead]):
        lead += 1
    table = rows[lead:]
    if not lead or len(table) <= LEAST or len({len(row) for row in table}) > 1:
        return 0
    names = [cell.strip() for cell in table[0] if cell.strip()]
    short = all(len(name.split()) < SENTENCE for name in names)
    named = len(names) >= 2 and 2 * len(names) >= len(table[0]) and len(set(names)) == len(names)
    return lead if short and named else 0


def _is_title(row: Sequence[str]) -> bool:
    filled = [cell.strip().casefold() for cell in row if cell.strip()]
    return len(filled) <= 1 and KNOWN.isdisjoint(filled)


def title_note(lead: int, unit: str) -> str:
    """What was not read above the header."""
    return f"{unit} 1 is a title, not read" if lead == 1 else f"{unit}s 1 to {lead} are titles, not read"


def sampled(head: str, mark: str) -> list[list[str]]:
    """The first rows; none where they are malformed."""
    lines = head[:LOOKED_AT].split("\n")
    if len(lines) > 1:
        lines.pop()  # it may be cut
    rows = []
    try:
        for row in csv.reader((line + "\n" for line in lines), delimiter=mark, strict=True):
            if row:
                rows.append(row)
            if len(rows) > SAMPLE:
                break
    except csv.Error:  # an unclosed quote at the end of the sample, or a malformed file: reading names it
        return rows
    return rows


def names_of_columns(rows: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """Names for the columns of rows without a header; None where the first row is one."""
    first, body = rows[0] if rows else (), rows[1:]
    if len(body) < LEAST or any(len(row) != len(first) for row in body):
        return None
    if any(not cell.strip() or cell.strip().casefold() in KNOWN for cell in first):
        return None
    columns = [[row[place] for row in body] for place in range(len(first))]
    proofs = [_proof(cell, column) for cell, column in zip(first, columns, strict=True)]
    if None in proofs or not any(proofs) or _counts_up(first):
        return None
    return _named(columns)


def _proof(cell: str, column: Sequence[str]) -> bool | None:
    """Whether a cell is a value of its column: True, False (it may be) or None (it is a name)."""
    values = [value for value in column if not is_missing(value)]
    if not values:
        return False
    if all(written_number(value) is not None for value in values):
        return None if written_number(cell) is None else True
    if _is_category(values):
        return True if cell.strip() in {value.strip() for value in values} else None
    sizes = [len(value.split()) for value in values]
    words = len(cell.split())
    if median(sizes) < WORDS:
        return False
    asks = cell.rstrip().endswith("?") and sum(value.rstrip().endswith("?") for value in values) < 0.3 * len(values)
    return None if words < WORDS or asks else words >= SENTENCE


def _is_category(values: Sequence[str]) -> bool:
    return 2 * len(set(values)) <= len(values) and mean(map(len, values)) <= 40


def _counts_up(first: Sequence[str]) -> bool:
    """Whether all cells are whole numbers that rise: years, or the columns of a frame without names."""
    whole = [cell.strip().isdecimal() for cell in first]
    numbers = [int(cell) for cell, digits in zip(first, whole, strict=True) if digits]
    return all(whole) and all(one < two for one, two in pairwise(numbers))


def _named(columns: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """``text`` and ``label``, ``prompt`` and ``response`` where it is plain; else ``column_1``, ``column_2``, ..."""
    names = [f"column_{place}" for place in range(1, len(columns) + 1)]
    texts = [place for place, values in enumerate(columns) if median(len(v.split()) for v in values) >= WORDS]
    labels = [place for place, values in enumerate(columns) if place not in texts and _may_be_label(values)]
    if len(texts) == 2 and not labels:
        names[texts[0]], names[texts[1]] = "prompt", "response"
    elif texts:
        names[max(texts, key=lambda place: mean(map(len, columns[place])))] = "text"
        if len(labels) == 1:
            names[labels[0]] = "label"
    return tuple(names)


def _may_be_label(values: Sequence[str]) -> bool:
    if all(written_number(value) is not None for value in values):
        whole = all(value.strip().lstrip("-").isdecimal() for value in values)
        return whole and len(set(values)) <= min(FEW, len(values) // 2)
    return _is_category(values)
