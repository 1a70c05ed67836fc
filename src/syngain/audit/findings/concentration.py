"""What nearly all rows of a finding share and other rows do not: a language, or a value of a column."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.audit.responses.languages import language
from syngain.core.phrases import percent, shortened
from syngain.data.text.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.core.arrays import Flags, Ints
    from syngain.data.dataset import Dataset

SAMPLE = 500  # rows of the finding, and other rows
FEWEST = 10  # rows of the finding
VALUES = 20  # different values of a column that may name a part
LONGEST = 60  # characters of a value
MOSTLY = 0.8  # of the rows of the finding share the value
LIFT = 1.5  # times as often as in the other rows
SIGNIFICANT = 0.001  # over all values
LANGUAGE_WORDS = 30


def concentrated(data: Dataset, flagged: Flags) -> str:
    """The value that most rows of a finding share and others do not; empty where there is none.

    For example ``100% of these rows have `generator` small-model (other rows 12%)``. A sample of 500 rows of the
    finding against 500 others; one-sided exact test of Fisher, adjusted over all values.
    """
    inside, outside = np.flatnonzero(flagged), np.flatnonzero(~flagged)
    if inside.size < FEWEST or outside.size < FEWEST:
        return ""
    ours, others = _sample(inside), _sample(outside)
    values = dict(_values(data, np.concatenate([ours, others])))
    best: tuple[float, str] = (SIGNIFICANT / max(sum(len(set(one)) for one in values.values()), 1), "")
    for name, column in values.items():
        word, hits = Counter(column[: ours.size]).most_common(1)[0]
        rest = sum(value == word for value in column[ours.size :])
        share, other = hits / ours.size, rest / others.size
        p = float(stats.hypergeom.sf(hits - 1, ours.size + others.size, hits + rest, ours.size))
        if word and share >= MOSTLY and share >= LIFT * other and p < best[0]:
            has = f"are in {word}" if name == "language" else f"have `{name}` {shortened(word, 40)}"
            best = (p, f"{percent(share)} of these rows {has} (other rows {percent(other)})")
    return best[1]


def _sample(rows: Ints) -> Ints:
    """Rows in even steps, at most 500."""
    return rows[np.unique(np.linspace(0, rows.size - 1, min(rows.size, SAMPLE)).round().astype(np.int64))]


def _values(data: Dataset, rows: Ints) -> Iterator[tuple[str, Sequence[str]]]:
    """The language of the rows, and columns of few short values that are no content."""
    chosen = rows.tolist()
    if data.sides:
        side = next(iter(data.sides.values()))
        words = [_language(side[row]) for row in chosen]
        if len(set(words)) > 1:
            yield "language", words
    records = [data.records[row] for row in chosen]
    content = {*data.roles.text, data.roles.source, data.roles.id}
    for name in dict.fromkeys(name for record in records[:50] for name in record if name not in content):
        column = [_plain(record, name) for record in records]
        if None not in column and 2 <= len(set(column)) <= VALUES:
            yield name, [value or "" for value in column]


def _language(text: str) -> str:
    return language(text, words(text[:600])[:LANGUAGE_WORDS], least=2, letters=4)


def _plain(record: Mapping[str, object], name: str) -> str | None:
    """A short text or a whole number as text; None for what names no part, "" where it is absent."""
    value = record.get(name)
    if value is None:
        return ""
    if isinstance(value, (str, int)) and len(text := str(value)) <= LONGEST:
        return text
    return None
