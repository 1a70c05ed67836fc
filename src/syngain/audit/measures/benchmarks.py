"""Rows that match items of public benchmarks: near copies of an item, or a long run of its words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.core.estimate import Estimate
from syngain.core.passes import run
from syngain.data.blocks import blocks
from syngain.data.text import hashed_ngrams, near_duplicates
from syngain.data.text.texts import Texts
from syngain.inference.intervals import share_intervals, wilson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.core.arrays import Flags, Ints, Unsigned
    from syngain.data.benchmarks import Benchmark

WORDS = 13  # in a row that an item and a row share [brown2020]
COMMON = 10  # items with the same words: those are the benchmark's template
UNSPACED = re.compile(r"[\u0e01-\u0eff\u0f00-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True, slots=True)
class BenchmarkMatches:
    """Synthetic rows that match benchmark items.

    Attributes:
        names: of the benchmarks. items: of each, how many there are. matched: of each, how many items are matched.
        which: the benchmark of each synthetic row (m,), -1 none.
    """

    names: tuple[str, ...]
    items: tuple[int, ...]
    matched: tuple[int, ...]
    which: Ints

    @property
    def flags(self) -> Flags:
        """Rows that match any benchmark (m,)."""
        found: Flags = self.which >= 0
        return found

    @property
    def by_name(self) -> Mapping[str, Flags]:
        """Rows of each benchmark that has any."""
        return {name: self.which == place for place, name in enumerate(self.names) if (self.which == place).any()}


@dataclass(frozen=True)
class BenchmarkItems:
    """All items of some benchmarks, indexed.

    Attributes:
        benchmarks: as read. texts: of all items. owner: the benchmark of each item. grams: hashes of runs of words,
            sorted. item: of each of them.
    """

    benchmarks: Sequence[Benchmark]
    texts: Texts
    owner: Ints
    grams: Unsigned
    item: Ints

    @classmethod
    def of(cls, benchmarks: Sequence[Benchmark]) -> BenchmarkItems:
        """Index the items; words that more than ten items share are left out."""
        texts = Texts([text for benchmark in benchmarks for text in benchmark.texts])
        owner = np.repeat(np.arange(len(benchmarks)), [benchmark.items for benchmark in benchmarks])
        rows, hashes = run(_Grams(texts), blocks(len(texts)))
        pairs = np.unique(np.stack([hashes, rows.astype(np.uint64)], axis=1), axis=0)
        values, first, counts = np.unique(pairs[:, 0], return_index=True, return_counts=True)
        rare = counts <= COMMON
        return cls(benchmarks, texts, owner, values[rare], pairs[first[rare], 1].astype(np.int64))

    def matches(self, whole: Sequence[str], asked: Sequence[str]) -> Ints:
        """The item that each row matches, -1 none; ``whole`` texts share words in a row, ``asked`` are near copies."""
        found = run(_Lookup(whole, self.grams, self.item), blocks(len(whole)))
        near, similarity = near_duplicates.best_match(near_duplicates.sign(asked), near_duplicates.sign(self.texts))
        near = np.where(similarity >= near_duplicates.MinHash().threshold, near, -1)
        return np.where(near >= 0, near, found)

    def named(self, items: Ints) -> BenchmarkMatches:
        """The matches of synthetic rows, by benchmark."""
        hit = np.unique(items[items >= 0])
        number = len(self.benchmarks)
        matched = np.bincount(self.owner[hit], minlength=number)
        which = np.where(items >= 0, self.owner[items], -1) if self.owner.size else np.full(items.size, -1)
        names, sizes = tuple(item.name for item in self.benchmarks), tuple(item.items for item in self.benchmarks)
        return BenchmarkMatches(names, sizes, tuple(matched.tolist()), which)


def benchmark_fraction(matches: BenchmarkMatches, background: Flags, units: Ints) -> Estimate:
    """``contamination.benchmark_fraction``: fraction of synthetic rows that match a benchmark item.

    ``background`` (n,) real rows that do; p is Fisher's exact test of the two rates, one-sided [fisher1935].
    """
    hits = matches.flags
    table = np.array([[hits.sum(), (~hits).sum()], [background.sum(), (~background).sum()]])
    shares = [found / size for found, size in zip(matches.matched, matches.items, strict=True)]
    return Estimate(
        value=float(hits.mean()),
        unit="share",
        method=f"{WORDS} words in a row, or Jaccard of character 4-grams at least .8 with an item; Fisher's exact test "
        "against the real rows",
        estimand="fraction of synthetic rows that match an item of these benchmarks",
        intervals=share_intervals(hits, units),
        null=wilson(float(background.mean()), background.size, 0.95),
        p=float(stats.fisher_exact(table, alternative="greater").pvalue),
        n=hits.size,
        clusters=int(np.unique(units).size),
        references={"real": float(background.mean()), "items": max(shares, default=0.0)},
    )


@dataclass(frozen=True, slots=True)
class _Grams:
    """The pass that hashes runs of words; characters of scripts without spaces are words."""

    texts: Sequence[str]

    def map(self, block: slice) -> tuple[Ints, Unsigned]:
        """Row and hash of every run of words in one block."""
        laid = hashed_ngrams.lay_out([_spaced(text) for text in self.texts[block]])
        rows, hashes = hashed_ngrams.word_ngrams(*hashed_ngrams.word_hashes(laid), WORDS)
        return rows + block.start, hashes

    def merge(self, parts: Iterator[tuple[Ints, Unsigned]]) -> tuple[Ints, Unsigned]:
        """Those of all rows."""
        found = [(np.empty(0, np.int64), np.empty(0, np.uint64)), *parts]
        rows, hashes = zip(*found, strict=True)
        return np.concatenate(rows), np.concatenate(hashes)


@dataclass(frozen=True, slots=True)
class _Lookup:
    """The pass that finds the item with which a row shares a run of words."""

    texts: Sequence[str]
    grams: Unsigned
    item: Ints

    def map(self, block: slice) -> Ints:
        """The item of each row of one block, -1 none."""
        out = np.full(block.stop - block.start, -1, dtype=np.int64)
        rows, hashes = _Grams(self.texts).map(block)
        if not self.grams.size:
            return out
        place = np.minimum(np.searchsorted(self.grams, hashes), self.grams.size - 1)
        found = self.grams[place] == hashes
        out[rows[found] - block.start] = self.item[place[found]]
        return out

    def merge(self, parts: Iterator[Ints]) -> Ints:
        """Those of all rows."""
        return np.concatenate([np.empty(0, np.int64), *parts])


def _spaced(text: str) -> str:
    return text if text.isascii() else UNSPACED.sub(r" \g<0> ", text)
