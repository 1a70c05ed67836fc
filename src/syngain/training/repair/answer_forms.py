"""Forms of answers: does an answer have the form of the real response, more often than by chance?

The form is what the first tokens show: code, a list, an object, a number, a few words, one line, or longer text. Chance
is the agreement of answers with responses to other prompts, so that a model with one form for everything has kappa 0
[cohen1960].
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.estimate import Estimate
from syngain.data.text.words import words
from syngain.inference.intervals import normal_intervals
from syngain.training.repair.pattern_metrics import jackknifed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.learners.completions import Completion, Reader
    from syngain.training.repair.pattern_metrics import State

FORMS = ("empty", "code", "list", "object", "number", "words", "line", "text")
FEW = 3  # words
_STARTS = (("code", r"```"), ("list", r"(?:[-*•]|\d+[.)])\s"), ("object", r"[{\[]"), ("number", r"[-+$€£]?\d"))


def form(text: str, *, ended: bool) -> str:
    """The form of a text, of which only the beginning may be known: then it has not ``ended``."""
    text = text.strip()
    if not text:
        return "empty"
    start = next((name for name, pattern in _STARTS if re.match(pattern, text)), "")
    if start:
        return start
    if not ended or "\n" in text:
        return "text"
    return "words" if len(words(text)) <= FEW else "line"


def real_forms(reader: Reader, rows: Sequence[Completion], tokens: int) -> tuple[str, ...]:
    """The forms of real responses, of which as many tokens are read as of an answer."""
    out = []
    for row in rows:
        said = row.ids[row.start :]
        whole = not row.cut and len(said) <= tokens
        kept = said[: len(said) - len(reader.layout.end)] if not row.cut else said
        out.append(form(str(reader.tokenizer.decode(list(kept[:tokens]))), ended=whole))
    return tuple(out)


def adherence(states: Sequence[State], clusters: Sequence[Ints], forms: Sequence[str]) -> Estimate | None:
    """Cohen's kappa of the forms of answers and of real responses, mean of the seeds.

    None without answers, or where all have one form: then chance explains every agreement.

    Args:
        states: one per seed, of the same rows.
        clusters: of the rows of each seed.
        forms: of the real responses of the first rows, as many as are answered.
    """
    count = min(len(state.said) for state in states)
    if not count:
        return None
    codes = np.array([FORMS.index(name) for name in forms[:count]])
    said = [np.array([FORMS.index(form(one.text, ended=one.ended)) for one in state.said[:count]]) for state in states]
    names = [own[:count] for own in clusters]

    def mean(without: int | None) -> float:
        kept = [own != without for own in names]
        return float(np.mean([kappa(own[rows], codes[rows]) for own, rows in zip(said, kept, strict=True)]))

    several = np.array([kappa(own, codes) for own in said])
    found = jackknifed(mean, np.unique(np.concatenate(names)), several)
    if not all(math.isfinite(part) for part in found[:2]):
        return None
    return Estimate(
        value=found[0],
        unit="kappa",
        method=f"form of {count} answers in each of {len(states)} seeds; jackknife over prompts, seed variance added",
        estimand="agreement of the form of answers and real responses of other kinds, corrected for chance",
        intervals=normal_intervals(*found),
        n=count * len(states),
        clusters=int(np.unique(np.concatenate(names)).size),
        references={"agreement": float(np.mean([np.mean(own == codes) for own in said]))},
    )


def kappa(one: Ints, other: Ints) -> float:
    """Cohen's kappa of two codings (n,); NaN where all agreement is by chance."""
    if not one.size:
        return math.nan
    shares: list[Floats] = [np.bincount(own, minlength=len(FORMS)) / own.size for own in (one, other)]
    chance = float(shares[0] @ shares[1])
    return math.nan if chance >= 1 else (float(np.mean(one == other)) - chance) / (1 - chance)
