"""Uniformity: do all rows open alike, follow one template, have one length; what a compressor finds new."""

from __future__ import annotations

import lzma
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.estimate import Estimate
from syngain.data.text.words import first_words, phrase, unspaced
from syngain.inference.intervals import normal_intervals, share_intervals, wilson
from syngain.inference.resampling import permutation, permuted_sides, subsampled_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.inference.resampling import Null, Tail

OPENING_WORDS = 5
TEMPLATE_WORDS = 8
LONGEST_OPENING = 40
NEARLY_ALL = 0.9  # of the rows go on alike
FORM_CHARACTERS = 32
# words that carry form, not content: they stay when a template is made
FORM = """
a about after all am an and any are as at be because been before but by can could did do does for from get had has have
he her here him his how i if in into is it its just like me more most my no not of on one only or our out over please s
she should so some such t than that the their them then there these they this those to up us was we were what when
where which who why will with would you your
"""
FORM_WORDS = frozenset(FORM.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Codes of real and synthetic rows of equal numbers: ``code`` (N,), ``real`` (N,) flags, ``unit`` (N,)."""

    code: Ints
    real: Flags
    unit: Ints


def opening(text: str) -> str:
    """The first five words of a row, lower case; characters in scripts without spaces."""
    return phrase(first_words(text, OPENING_WORDS))


def shared_opening(texts: Sequence[str], first: str) -> str:
    """What nearly all texts with the opening ``first`` begin with: longer in characters, in words as it is."""
    if not unspaced(first):
        return first
    rows = [first_words(text, LONGEST_OPENING) for text in texts if opening(text) == first]
    start: list[str] = []
    while rows:
        following = Counter(row[len(start)] for row in rows if len(row) > len(start))
        word, count = following.most_common(1)[0] if following else ("", 0)
        if count < NEARLY_ALL * len(rows):
            break
        start.append(word)
        rows = [row for row in rows if row[: len(start)] == start]
    whole = phrase(start)
    return whole if opening(whole) == first else first


def form_characters(texts: Sequence[str]) -> frozenset[str]:
    """The most frequent characters at the start of these texts: in scripts without spaces they carry form."""
    counts = Counter(word for text in texts if unspaced(text) for word in first_words(text, TEMPLATE_WORDS))
    return frozenset(word for word, _ in counts.most_common(FORM_CHARACTERS) if unspaced(word))


def template(text: str, form: frozenset[str] = frozenset()) -> str:
    """The first eight words with runs of content words replaced by one slot; ``form``: characters that stay."""
    slots: list[str] = []
    for word in first_words(text, TEMPLATE_WORDS):
        piece = word if word in FORM_WORDS or word in form else "_"
        if not (piece == "_" and slots and slots[-1] == "_"):
            slots.append(piece)
    return " ".join(slots)


def opening_share(sides: Sides, rng: np.random.Generator, permutations: int = 199) -> Estimate:
    """``uniformity.opening_share``: fraction of rows with the most common opening.

    The opening is chosen on one half of the rows and its share measured on the other, both ways: the largest of many
    shares is otherwise biased up. Null: the same on as many real rows; p by permutation of the difference.
    """
    half = halves(sides.unit, rng)
    ours = _cross_share(sides.code[~sides.real], half[~sides.real])
    null = _permuted_difference(_cross_share, sides, half, rng, "upper", permutations)
    reference = float(_cross_share(sides.code[sides.real], half[sides.real]).mean())
    return Estimate(
        value=float(ours.mean()),
        unit="share",
        method=f"most common first {OPENING_WORDS} words, chosen on one half, counted on the other; permutation p",
        estimand="fraction of fresh rows that begin with the openings chosen here",
        intervals=share_intervals(ours.astype(bool), sides.unit[~sides.real]),
        null=wilson(reference, int(sides.real.sum()), 0.95),
        p=null.p,
        n=ours.size,
        clusters=int(np.unique(sides.unit[~sides.real]).size),
        references={"real": reference},
    )


def template_entropy(sides: Sides, rng: np.random.Generator, permutations: int = 199, draws: int = 100) -> Estimate:
    """``uniformity.template_entropy``: entropy of masked openings at a fixed number of rows, in nats (plug-in)."""
    ours, theirs = sides.code[~sides.real], sides.code[sides.real]
    draw_values = [_entropy_difference(sides, rng) for _ in range(permutations)]
    null = permutation(entropy(ours) - entropy(theirs), np.array(draw_values), "lower")
    unit = sides.unit[~sides.real]
    # thinning lowers a plug-in entropy by a nearly constant amount: the spread is what is used
    error = subsampled_error(lambda rows: entropy(ours[rows]), unit, rng, draws=draws)
    return Estimate(
        value=entropy(ours),
        unit="nats",
        method=f"first {TEMPLATE_WORDS} words, content words masked; plug-in entropy at equal sizes; permutation p",
        estimand=f"expected plug-in entropy of {ours.size} rows",
        intervals=normal_intervals(entropy(ours), error),
        null=(entropy(theirs) + null.range[0], entropy(theirs) + null.range[1]),
        p=null.p,
        n=ours.size,
        clusters=int(np.unique(unit).size),
        references={"real": entropy(theirs), "ceiling": math.log(ours.size)},
    )


def length_overlap(
    lengths: Ints, real: Flags, unit: Ints, rng: np.random.Generator, permutations: int = 199, draws: int = 100
) -> Estimate:
    """``uniformity.length_overlap``: one minus the total variation of the lengths, in quantile bins.

    Bins are fitted on one half of the real rows and counted on the other half and all synthetic rows; at most n / 50.
    """
    counted, bins = length_bins(lengths, real, rng)
    code, side, units = bins[counted], real[counted], unit[counted]
    count = int(code.max()) + 1
    value = overlap(code, side, count)
    sides = [permuted_sides(units, int(side.sum()), rng) for _ in range(permutations)]
    null = permutation(value, np.array([overlap(code, other, count) for other in sides]), "lower")
    error = subsampled_error(lambda rows: overlap(code[rows], side[rows], count), units, rng, draws=draws)
    return Estimate(
        value=value,
        unit="share",
        method=f"{count} length bins, quantiles of one half of the real rows, counted on the rest; permutation p",
        estimand="expected overlap of the two length histograms, at this sample size",
        intervals={
            level: (max(low, 0.0), min(high, 1.0)) for level, (low, high) in normal_intervals(value, error).items()
        },
        null=null.range,
        p=null.p,
        n=code.size,
        clusters=int(np.unique(units).size),
        references={"real": null.mean},
    )


def length_bins(lengths: Ints, real: Flags, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Rows that are counted, and the bin of every row: edges are quantiles of the other half of the real rows."""
    rows = rng.permutation(np.flatnonzero(real))
    fitted, held = rows[: rows.size // 2], rows[rows.size // 2 :]
    counted = np.concatenate([held, np.flatnonzero(~real)])
    bins = max(2, min(20, held.size // 50, int((~real).sum()) // 50))
    edges = np.unique(np.quantile(lengths[fitted], np.linspace(0, 1, bins + 1)[1:-1]))
    return counted, np.searchsorted(edges, lengths, side="left")


def overlap(code: Ints, real: Flags, bins: int) -> float:
    """One minus half the absolute difference of two histograms."""
    a, b = np.bincount(code[real], minlength=bins), np.bincount(code[~real], minlength=bins)
    return float(np.minimum(a / max(a.sum(), 1), b / max(b.sum(), 1)).sum())


def entropy(code: Ints) -> float:
    """Plug-in entropy of codes, in nats."""
    counts = np.unique(code, return_counts=True)[1]
    return float(math.log(code.size) - np.sum(counts * np.log(counts)) / code.size)


@dataclass(frozen=True, slots=True)
class Compression:
    """Compression gain: bytes a compressor needs for S once it has seen A, per byte of S.

    Attributes:
        budget: bytes of each part, so that the window of the compressor holds both.
    """

    budget: int = 48_000
    permutations: int = 60
    draws: int = 40

    def __call__(
        self, texts: Sequence[bytes], real: Flags, unit: Ints, rng: np.random.Generator
    ) -> dict[str, Estimate]:
        """``information.compression_gain``: half of the real rows is known, the other half is the fresh-real end."""
        rows = rng.permutation(np.flatnonzero(real))
        known = _joined([texts[i] for i in rows[: rows.size // 2]], self.budget)
        fresh = self._within(rows[rows.size // 2 :], texts)
        ours = self._within(rng.permutation(np.flatnonzero(~real)), texts)
        base = compressed(known)

        def gain(chosen: Ints) -> float:
            added = b"".join(texts[i] for i in chosen)
            return (compressed(known + added) - base) / max(len(added), 1)

        pool = np.concatenate([fresh, ours])
        value, end = gain(ours), gain(fresh)
        draws = np.array([self._permuted(gain, pool, unit, fresh.size, rng) for _ in range(self.permutations)])
        null = permutation(value - end, draws, "both")
        error = subsampled_error(lambda kept: gain(ours[kept]), unit[ours], rng, draws=self.draws)
        duplicate = (compressed(known + known) - base) / max(len(known), 1)
        return {
            "information.compression_gain": Estimate(
                value=value,
                unit="bytes per byte",
                method="lzma of half the real rows with the rows, minus lzma of the real rows alone; permutation p",
                estimand=f"expected new bytes per byte of {ours.size} rows, given these real rows",
                intervals=normal_intervals(value, error),
                null=(end + null.range[0], end + null.range[1]),
                p=null.p,
                n=ours.size,
                clusters=int(np.unique(unit[ours]).size),
                references={"fresh_real": end, "duplicates": duplicate},
            )
        }

    def _within(self, rows: Ints, texts: Sequence[bytes]) -> Ints:
        ends = np.cumsum([len(texts[i]) for i in rows])
        return rows[: max(1, int(np.searchsorted(ends, self.budget, side="right")))]

    @staticmethod
    def _permuted(gain: Callable[[Ints], float], pool: Ints, unit: Ints, first: int, rng: np.random.Generator) -> float:
        side = permuted_sides(unit[pool], first, rng)
        return gain(pool[~side]) - gain(pool[side])


def compressed(data: bytes) -> int:
    """Length in bytes under lzma with a window larger than the data."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 1 << 20}]
    return len(lzma.compress(data, format=lzma.FORMAT_RAW, filters=filters))


def _joined(texts: Sequence[bytes], budget: int) -> bytes:
    return b"".join(texts)[:budget]


def halves(unit: Ints, rng: np.random.Generator) -> Flags:
    """A random half of the units, as flags of their rows; a unit is never split, or its rows would choose for it."""
    names, inverse = np.unique(unit, return_inverse=True)
    return np.asarray(rng.permutation(names.size)[inverse] % 2 == 0)


def _cross_share(code: Ints, half: Flags) -> Floats:
    """Per row, 1 if it has the most common code of the other half."""
    out = np.zeros(code.size)
    for side in (half, ~half):
        if side.any() and (~side).any():
            out[side] = code[side] == int(np.bincount(code[~side]).argmax())
    return out


def _permuted_difference(
    measure: Callable[[Ints, Flags], Floats],
    sides: Sides,
    half: Flags,
    rng: np.random.Generator,
    tail: Tail,
    permutations: int,
) -> Null:
    def difference(real: Flags) -> float:
        ours = measure(sides.code[~real], half[~real]).mean()
        return float(ours - measure(sides.code[real], half[real]).mean())

    count = int(sides.real.sum())
    draws = np.array([difference(permuted_sides(sides.unit, count, rng)) for _ in range(permutations)])
    return permutation(difference(sides.real), draws, tail)


def _entropy_difference(sides: Sides, rng: np.random.Generator) -> float:
    real = permuted_sides(sides.unit, int(sides.real.sum()), rng)
    return entropy(sides.code[~real]) - entropy(sides.code[real])
