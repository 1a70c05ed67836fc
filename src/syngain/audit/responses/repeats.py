"""Answers that many different prompts get, found by counting: no pattern, one pass over the rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from syngain.data.text.near_duplicates import shared_codes
from syngain.data.text.words import words as tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.audit.responses.prompt_response import Response, Responses
    from syngain.core.arrays import Flags, Ints

LEAST = 4  # prompts with one answer
FRACTION = 0.01  # of the rows have this answer
BEYOND = 3.0  # times as often as among the real rows
CATEGORICAL = 0.1  # of real answers are short and repeated: then short answers are labels
SHORT, LONG = 4, 10  # tokens
COVERS = 0.6  # of an answer is its opening
STEPS = (5, 8, 13, 21, 34)  # tokens of an opening


def unlike_real(judged: Responses, real: Responses, ours: Sequence[str], theirs: Sequence[str]) -> Flags:
    """Responses whose key (an answer, or its opening) many different prompts get, far more often than in the real rows.

    An empty key is none. Real rows are judged half against half: what the rule finds in rows without the defect.
    """
    has = np.array([key != "" for key in ours], dtype=bool)
    if not has.any():
        return has
    keys, other = shared_codes([key for key in ours if key], [key for key in theirs if key])
    codes = np.full(len(judged), -1, dtype=np.int64)
    codes[has] = keys
    size = int(max(codes.max(initial=-1), other.max(initial=-1))) + 1
    long = judged.values(shape)[:, 0] >= LONG
    if judged is not real:
        return _often(codes, judged.prompt_codes, long, np.bincount(other[other >= 0], minlength=size), len(real))
    flags, first = np.zeros(len(real), dtype=bool), np.arange(len(real)) % 2 == 0
    for half in (first, ~first):
        rest = np.bincount(codes[~half & (codes >= 0)], minlength=size)
        flags[half] = _often(codes[half], judged.prompt_codes[half], long[half], rest, int((~half).sum()))
    return flags


def _often(codes: Ints, prompts: Ints, long: Flags, usual: Ints, rows: int) -> Flags:
    """Rows whose key more prompts get than its count ``usual`` among ``rows`` real rows leads to expect; shape (n,)."""
    if not codes.size or codes.max() < 0:
        return np.zeros(codes.size, dtype=bool)
    got = _different_prompts(codes, prompts, usual.size)
    chance = np.full(usual.size, BEYOND)  # a long answer hardly repeats by chance, a short one may
    chance[codes[(codes >= 0) & long]] = 1.0
    least = np.full(usual.size, max(LEAST, math.ceil(FRACTION * codes.size)))
    least = np.maximum(least, (BEYOND * usual + chance) / (rows + 1) * codes.size)
    found: Flags = (codes >= 0) & (got >= least)[codes]
    return found


def _different_prompts(codes: Ints, prompts: Ints, size: int) -> Ints:
    """For every key the number of different prompts that get it (size,)."""
    known = codes >= 0
    pairs = np.unique(codes[known] * (int(prompts.max()) + 1) + prompts[known])
    return np.bincount(pairs // (int(prompts.max()) + 1), minlength=size)


def repeated_answers(judged: Responses, real: Responses) -> Flags:
    """Responses with an answer that other prompts get as well, more often than in the real rows; shape (n,).

    Short answers count only where the real rows do not repeat theirs: labels, numbers and yes or no repeat by nature.
    """
    shortest = SHORT if _repeats_short(real) else 1
    return unlike_real(judged, real, whole_answers(judged, shortest), whole_answers(real, shortest))


def whole_answers(rows: Responses, shortest: int, longest: int = 1_000_000_000) -> Sequence[str]:
    """The answer of every row as a key; "" where its tokens are too few or too many, or it has no word of letters."""
    sizes = rows.values(shape)
    fits = (sizes[:, 0] >= shortest) & (sizes[:, 0] <= longest) & (sizes[:, 1] > 0)
    return [response if fit else "" for response, fit in zip(rows.responses, fits.tolist(), strict=True)]


def shape(answer: Response) -> tuple[int, int]:
    """Tokens of a response, and whether one of them begins with a letter."""
    words = answer.tokens if answer.final == answer.text else tokens(answer.text)
    return len(words), int(any(word[0].isalpha() for word in words))


def openings(rows: Responses, longest: int) -> list[Sequence[str]]:
    """For every length of an opening the first tokens of each answer, "" where they are not most of it."""
    sizes = rows.values(shape)[:, 0].tolist()
    out: list[Sequence[str]] = []
    for step in STEPS:
        most = min(longest, math.floor(step / COVERS))
        out.append(
            [
                " ".join(tokens(response)[:step]) if step < size <= most else ""
                for response, size in zip(rows.responses, sizes, strict=True)
            ]
        )
    return out


def _repeats_short(real: Responses) -> bool:
    """Whether the real rows repeat short answers."""
    short = real.values(shape)[:, 0] < SHORT
    keys = [response if fit else "" for response, fit in zip(real.responses, short.tolist(), strict=True)]
    (codes,) = shared_codes(keys)
    _, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return float((short & (counts[inverse] > 1)).mean()) >= CATEGORICAL if len(real) else False
