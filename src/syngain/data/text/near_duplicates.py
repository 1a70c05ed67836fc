"""Exact and near duplicates by MinHash with banding, every candidate verified.

MinHash uses character n-grams. Time and memory grow linearly with the rows: each member of a bucket is compared with
two others, never with all.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from syngain.core.passes import run
from syngain.data.blocks import blocks, row_values
from syngain.data.text import hashed_ngrams
from syngain.data.text.normal_forms import normal_text
from syngain.data.text.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from syngain.core.arrays import Floats, Ints, Unsigned

PAIR_BATCH = 50_000


@dataclass(frozen=True, slots=True)
class MinHash:
    """Hyper-parameters of the near-duplicate search.

    Two rows are near duplicates when the Jaccard similarity of their sets of ``ngram``-byte pieces reaches
    ``threshold``; in scripts without spaces of ``ngram - 1`` characters. With 12 bands of 5 a pair at .8 is a candidate
    with probability .991, at .9 with .99999.
    """

    threshold: float = 0.8
    ngram: int = 4
    bands: int = 12
    rows_per_band: int = 5


@dataclass(frozen=True, slots=True)
class Signatures:
    """Band keys (n, bands) and n-gram sets (n, 2**20) for verification."""

    method: MinHash
    keys: Unsigned
    sets: sparse.csr_matrix[np.float32]

    def __getitem__(self, rows: Ints) -> Signatures:
        """The signatures of these rows."""
        return Signatures(self.method, self.keys[rows], self.sets[rows])


@dataclass(frozen=True, slots=True)
class Signing:
    """The pass that signs rows; see :func:`sign`."""

    texts: Sequence[str]
    method: MinHash

    def map(self, block: slice) -> tuple[Unsigned, sparse.csr_matrix[np.float32]]:
        """Band keys and sets of n-grams of one block."""
        multipliers, offsets = _hash_family(self.method.bands * self.method.rows_per_band)
        laid = hashed_ngrams.lay_out([normal_text(text) for text in self.texts[block]])
        rows, hashes = hashed_ngrams.character_ngrams(laid, self.method.ngram)
        keys = _band_keys(rows, hashes, laid.rows, self.method, (multipliers, offsets))
        sets = hashed_ngrams.count_matrix(rows, hashes, (laid.rows, 1 << 20))
        sets.data[:] = 1
        return keys, sets

    def merge(self, parts: Iterator[tuple[Unsigned, sparse.csr_matrix[np.float32]]]) -> Signatures:
        """The signatures of all rows."""
        found = list(parts)
        if not found:
            empty = sparse.csr_matrix(np.zeros((0, 1 << 20), np.float32))
            return Signatures(self.method, np.zeros((0, self.method.bands), dtype=np.uint64), empty)
        keys, sets = zip(*found, strict=True)
        return Signatures(self.method, np.concatenate(keys), sparse.csr_matrix(sparse.vstack(sets, format="csr")))


def codes(texts: Sequence[str]) -> Ints:
    """An integer per row, equal for equal normalized texts.

    Numbered in order of first appearance.
    """
    seen: dict[bytes, int] = {}
    found = Texts.of(texts).feature("digest", digests)
    return np.fromiter((seen.setdefault(digest, len(seen)) for digest in found.tolist()), np.int64, len(texts))


def digests(texts: Sequence[str]) -> NDArray[np.bytes_]:
    """A digest of sixteen bytes (plus one end byte) per row (n,).

    Equal where the normalized texts are equal.
    """
    return row_values(lambda part: [_digest(text) for text in texts[part]], len(texts), np.bytes_)


def _digest(text: str) -> bytes:
    coded = normal_text(text).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(coded, digest_size=16).digest() + b"."  # numpy cuts zeros at the end of bytes


def shared_codes(*sets: Sequence[str]) -> list[Ints]:
    """Codes as in :func:`codes`, with one numbering for several datasets."""
    seen: dict[bytes, int] = {}
    return [
        np.fromiter(
            (seen.setdefault(one, len(seen)) for one in Texts.of(texts).feature("digest", digests).tolist()),
            np.int64,
            len(texts),
        )
        for texts in sets
    ]


def sign(texts: Sequence[str], method: MinHash = MinHash()) -> Signatures:
    """Banded MinHash signatures of rows; each row is signed once."""
    return Texts.of(texts).feature(method, lambda rows: run(Signing(rows, method), blocks(len(rows))))


def clusters(texts: Sequence[str], method: MinHash = MinHash()) -> Ints:
    """The near-duplicate cluster of every row; see :func:`shared_clusters`."""
    return shared_clusters(texts, method=method)


def shared_clusters(*sets: Sequence[str], method: MinHash = MinHash()) -> Ints:
    """The near-duplicate cluster of every row of all datasets.

    Numbered in order of first appearance. Rows are linked when they are equal after normalization or verified near
    duplicates; clusters are the connected components of the links.
    """
    exact = np.concatenate([np.empty(0, np.int64), *shared_codes(*sets)])
    _, first = np.unique(exact, return_index=True)
    signatures = _signed(sets, first, method)
    left, right = _candidates(signatures.keys)
    keep = jaccard(signatures.sets, left, signatures.sets, right) >= method.threshold
    size = len(first)
    links = sparse.coo_matrix((np.ones(int(keep.sum()), np.int8), (left[keep], right[keep])), shape=(size, size))
    _, component = connected_components(links, directed=False)
    return _first_appearance(component[exact])


def _signed(sets: Sequence[Sequence[str]], rows: Ints, method: MinHash) -> Signatures:
    """Signatures of some rows of all datasets.

    Rows are numbered consecutively; ``rows`` ascend.
    """
    starts = np.cumsum([0, *map(len, sets)])
    parts = []
    for texts, start, end in zip(sets, starts[:-1], starts[1:], strict=True):
        own = rows[(rows >= start) & (rows < end)] - start
        parts.append(sign(Texts.of(texts).take(own.tolist()), method))
    keys = np.concatenate([part.keys for part in parts])
    return Signatures(method, keys, sparse.csr_matrix(sparse.vstack([part.sets for part in parts], format="csr")))


def best_match(queries: Signatures, reference: Signatures, *, exclude_self: bool = False) -> tuple[Ints, Floats]:
    """The most similar reference row of every query and its Jaccard similarity.

    -1 and 0 where none was found. With ``exclude_self`` queries and reference are the same rows and a row does not
    match itself.
    """
    return run(Matching.of(queries, reference, exclude_self=exclude_self), blocks(queries.keys.shape[0]))


@dataclass(frozen=True, slots=True)
class Matching:
    """The pass that finds the most similar reference row of each query.

    See :func:`best_match`.

    Attributes:
        orders: for every band the reference rows, sorted by key.
    """

    queries: Signatures
    reference: Signatures
    orders: Sequence[Ints]
    exclude_self: bool

    @classmethod
    def of(cls, queries: Signatures, reference: Signatures, *, exclude_self: bool) -> Matching:
        """The pass with its index of the reference rows."""
        orders = [np.argsort(reference.keys[:, band], kind="stable") for band in range(reference.keys.shape[1])]
        return cls(queries, reference, orders, exclude_self)

    def map(self, block: slice) -> tuple[Ints, Floats]:
        """Best reference row and similarity of the queries of one block."""
        count = block.stop - block.start
        best, similarity = np.full(count, -1, dtype=np.int64), np.zeros(count)
        for band, order in enumerate(self.orders):
            ordered, keys = self.reference.keys[order, band], self.queries.keys[block, band]
            low = np.searchsorted(ordered, keys, side="left")
            high = np.searchsorted(ordered, keys, side="right")
            for position in (low, (low + high) // 2, high - 1):
                rows = np.flatnonzero((high > low) & (similarity < 1))
                found = order[position[rows]]
                if self.exclude_self:
                    own = rows + block.start
                    step = np.where(found == own, order[np.minimum(position[rows] + 1, high[rows] - 1)], found)
                    rows, found = rows[step != own], step[step != own]
                value = jaccard(self.queries.sets, rows + block.start, self.reference.sets, found)
                better = value > similarity[rows]
                best[rows[better]], similarity[rows[better]] = found[better], value[better]
        return best, similarity

    def merge(self, parts: Iterator[tuple[Ints, Floats]]) -> tuple[Ints, Floats]:
        """The matches of all queries."""
        found = list(parts)
        if not found:
            return np.empty(0, np.int64), np.empty(0)
        best, similarity = zip(*found, strict=True)
        return np.concatenate(best), np.concatenate(similarity)


def jaccard(
    first: sparse.csr_matrix[np.float32], left: Ints, second: sparse.csr_matrix[np.float32], right: Ints
) -> Floats:
    """Exact Jaccard similarity of rows ``left`` and ``right`` of two n-gram matrices."""
    out = np.zeros(left.size)
    first_sizes, second_sizes = np.diff(first.indptr), np.diff(second.indptr)
    for part in hashed_ngrams.batches(left.size, PAIR_BATCH):
        overlap = np.asarray(first[left[part]].multiply(second[right[part]]).sum(axis=1)).ravel()
        union = first_sizes[left[part]] + second_sizes[right[part]] - overlap
        out[part] = np.divide(overlap, union, out=np.zeros(overlap.size), where=union > 0)
    return out


def _hash_family(count: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Fixed odd multipliers and offsets, equal in every run."""
    rng = np.random.default_rng(20241001)
    multipliers = rng.integers(1, 2**32, size=count, dtype=np.uint32) | np.uint32(1)
    return multipliers, rng.integers(0, 2**32, size=count, dtype=np.uint32)


def _band_keys(
    rows: Ints, hashes: Unsigned, count: int, method: MinHash, family: tuple[NDArray[np.uint32], NDArray[np.uint32]]
) -> Unsigned:
    """Fold the minima of ``rows_per_band`` hash functions into one key per band."""
    order = np.argsort(rows, kind="stable")
    rows, small = rows[order], (hashes[order] >> np.uint64(32)).astype(np.uint32)
    starts = np.searchsorted(rows, np.arange(count))
    present = np.bincount(rows, minlength=count) > 0
    keys = np.zeros((count, method.bands), dtype=np.uint64)
    keys[~present] = np.arange(int((~present).sum()), dtype=np.uint64)[:, None]  # too short to compare: alone
    for index, (multiplier, offset) in enumerate(zip(*family, strict=True)):
        band = index // method.rows_per_band
        values = small * multiplier + offset
        minima = np.minimum.reduceat(values ^ (values >> np.uint32(15)), starts[present]) if present.any() else None
        if minima is not None:
            keys[present, band] = hashed_ngrams.mix(
                keys[present, band] * hashed_ngrams.MULTIPLIER + minima + np.uint64(1)
            )
    return keys


def _candidates(keys: Unsigned) -> tuple[Ints, Ints]:
    """Pairs in one bucket: each member with the first and with the previous one."""
    lefts, rights = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for band in range(keys.shape[1]):
        order = np.argsort(keys[:, band], kind="stable")
        ordered = keys[order, band]
        new = np.concatenate([[True], ordered[1:] != ordered[:-1]]) if ordered.size else np.empty(0, bool)
        heads = np.maximum.accumulate(np.where(new, np.arange(ordered.size), 0))
        members = np.flatnonzero(~new)
        for other in (heads[members], members - 1):
            lefts.append(order[other])
            rights.append(order[members])
    left, right = np.concatenate(lefts), np.concatenate(rights)
    pairs = np.unique(np.minimum(left, right) * keys.shape[0] + np.maximum(left, right))
    return pairs // max(keys.shape[0], 1), pairs % max(keys.shape[0], 1)


def _first_appearance(values: NDArray[np.integer]) -> Ints:
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    rank = np.empty(first.size, np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[inverse]
