"""Encoders: rows to embeddings. The default needs no download.

An embedding can only lose information (data processing), so every divergence measured on embeddings is a lower bound of
the divergence of the rows.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from syngain.core.errors import InputError
from syngain.core.passes import run
from syngain.data.blocks import blocks
from syngain.data.columns.dates import date_format, parts
from syngain.data.text import hashed_ngrams
from syngain.data.text.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.core.arrays import Floats, Ints, Singles
    from syngain.data.columns.dates import DateFormat

BATCH = 4_096
SEEN, PIECE = 65_536, 4_096  # characters of a text whose n-grams are counted, and of a piece of it
SKETCH = 20_241_129  # seed of the places of coordinates in wide tables


class FittedEncoder(Protocol):
    """Maps rows to embeddings of shape (n, d), float64."""

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Encode the rows."""


class TextEncoder(Protocol):
    """Fits an encoder of text on pooled rows without labels."""

    def fit(self, texts: Sequence[str], rng: np.random.Generator) -> FittedEncoder:
        """Fit on pooled rows, without knowing which are real, so that nothing leaks."""


@dataclass(frozen=True, slots=True)
class HashedNgrams:
    """Hashed word (1-2) and character (3-5) n-grams, TF-IDF, reduced by SVD.

    Attributes:
        dimensions: length of the embeddings. buckets: hash buckets per block (words, characters), a power of two.
    """

    dimensions: int = 128
    buckets: int = 1 << 16

    def counts(self, texts: Sequence[str]) -> sparse.csr_matrix[np.float32]:
        """N-gram counts (n, 2 * buckets), words first; each row is counted once."""
        return Texts.of(texts).feature(self, lambda rows: run(Counting(rows, self), blocks(len(rows))))

    def fit(self, texts: Sequence[str], rng: np.random.Generator) -> FittedNgrams:
        """Fit inverse document frequencies and the projection on pooled rows."""
        return self.fit_counts(self.counts(texts), rng)

    def fit_counts(self, counts: sparse.csr_matrix[np.float32], rng: np.random.Generator) -> FittedNgrams:
        """As :meth:`fit`, from :meth:`counts` of the rows, which are then not recounted."""
        size = counts.shape[0]
        documents = np.bincount(counts.indices, minlength=counts.shape[1])
        idf = np.log((1 + size) / (1 + documents)) + 1
        weighted = weigh(counts, idf.astype(np.float32), self.buckets)
        shared = np.flatnonzero(documents >= 2)  # an n-gram of one row has no information on the relation of rows
        rank = max(1, min(self.dimensions, size - 1, shared.size - 1))
        state = int(rng.integers(2**31 - 1))
        components = np.zeros((shared.size, rank), dtype=np.float32)
        if shared.size > 1:
            _, _, found = randomized_svd(weighted[:, shared], rank, n_oversamples=10, n_iter=2, random_state=state)
            components[:] = found.T
        return FittedNgrams(self, idf.astype(np.float32), shared, components)


def fitted_on(encoder: TextEncoder, sets: Sequence[Texts], rng: np.random.Generator) -> FittedEncoder:
    """Fit an encoder on the texts of several datasets.

    N-grams already counted are not counted again.
    """
    if isinstance(encoder, HashedNgrams):
        counts = sparse.vstack([encoder.counts(texts) for texts in sets], format="csr")
        return encoder.fit_counts(sparse.csr_matrix(counts), rng)
    return encoder.fit([text for texts in sets for text in texts], rng)


@dataclass(frozen=True, slots=True)
class Counting:
    """The pass that counts n-grams; see :meth:`HashedNgrams.counts`."""

    texts: Sequence[str]
    encoder: HashedNgrams

    def map(self, block: slice) -> sparse.csr_matrix[np.float32]:
        """The counts of one block."""
        texts, buckets = [excerpt(text) for text in self.texts[block]], self.encoder.buckets
        laid = hashed_ngrams.lay_out(texts)
        rows, hashes = hashed_ngrams.word_hashes(laid)
        words = [hashed_ngrams.word_ngrams(rows, hashes, size) for size in (1, 2)]
        characters = [hashed_ngrams.character_ngrams(laid, size) for size in (3, 4, 5)]
        parts = [
            hashed_ngrams.count_matrix(*hashed_ngrams.joined(part), (len(texts), buckets))
            for part in (words, characters)
        ]
        return sparse.csr_matrix(sparse.hstack(parts, format="csr"))

    def merge(self, parts: Iterator[sparse.csr_matrix[np.float32]]) -> sparse.csr_matrix[np.float32]:
        """The counts of all rows."""
        found = list(parts)
        if not found:
            return sparse.csr_matrix(np.zeros((0, 2 * self.encoder.buckets), dtype=np.float32))
        return found[0] if len(found) == 1 else sparse.csr_matrix(sparse.vstack(found, format="csr"))


def excerpt(text: str) -> str:
    """The text, or of a text above 65,536 characters evenly spaced pieces of so many together."""
    if len(text) <= SEEN:
        return text
    starts = np.linspace(0, len(text) - PIECE, SEEN // PIECE).astype(int).tolist()
    return " ".join(text[start : start + PIECE] for start in starts)


@dataclass(frozen=True, slots=True)
class FittedNgrams:
    """The fitted default encoder.

    ``idf`` has shape (2 * buckets,); ``components`` (s, d) are those of the n-grams that occur in two rows.
    """

    encoder: HashedNgrams
    idf: Singles
    shared: Ints
    components: Singles

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Embeddings of unit length (n, d); zero for a row without an n-gram."""
        known, out = Texts.of(texts), np.zeros((len(texts), self.components.shape[1]))
        for part in hashed_ngrams.batches(len(texts), BATCH):
            out[part] = self.of_counts(self._counts(known, part))
        return out

    def _counts(self, texts: Texts, part: slice) -> sparse.csr_matrix[np.float32]:
        """Counts of some rows, from the kept counts where available."""
        if texts.keeps(self.encoder):
            return self.encoder.counts(texts)[part]
        return self.encoder.counts(texts[part])

    def of_counts(self, counts: sparse.csr_matrix[np.float32]) -> Floats:
        """Embeddings from counts of the rows."""
        weighted = weigh(counts, self.idf, self.encoder.buckets)[:, self.shared]
        out = np.asarray(weighted @ self.components, dtype=np.float64)
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        return np.asarray(np.divide(out, norms, out=out, where=norms > 0))


def weigh(counts: sparse.csr_matrix[np.float32], idf: Singles, buckets: int) -> sparse.csr_matrix[np.float32]:
    """Weight (1 + ln tf) * idf, each block of n-grams scaled to unit length.

    Words and characters then have equal weight.
    """
    weighted = counts.copy()
    weighted.data = (1 + np.log(weighted.data)) * idf[weighted.indices]
    words = weighted.indices < buckets
    row_of = np.repeat(np.arange(weighted.shape[0]), np.diff(weighted.indptr))
    for block in (words, ~words):
        squares = np.bincount(row_of[block], weights=weighted.data[block] ** 2, minlength=weighted.shape[0])
        scale = np.where(squares > 0, 1 / np.sqrt(np.where(squares > 0, squares, 1)), 0).astype(np.float32)
        weighted.data[block] *= scale[row_of[block]]
    return weighted


@dataclass(frozen=True, slots=True)
class TableEncoder:
    """Standardized numbers and one-hot categories, fitted on pooled rows.

    Attributes:
        max_categories: number of frequent values with their own column; the others have a common column.
        most: coordinates of an embedding. hashed: of wider tables, whose coordinates are each added to one of these, or
            subtracted, by chance [weinberger2009]: distances and inner products stay what they are on average.
    """

    max_categories: int = 30
    most: int = 1_024
    hashed: int = 512

    def fit(self, columns: Mapping[str, Sequence[object]]) -> FittedTable:
        """Fit location, scale and categories of every column.

        Missing numbers get the median and a flag.
        """
        fitted: list[_Column] = []
        for name, values in columns.items():
            numbers = _numbers(values)
            form = date_format(values) if numbers is None else None
            if form is not None:
                fitted.append(_Dated.fit(name, form, values))
            else:
                fitted.append(_Numeric.fit(name, numbers) if numbers is not None else self._categories(name, values))
        return FittedTable(tuple(fitted), self.most, self.hashed)

    def _categories(self, name: str, values: Sequence[object]) -> _Categorical:
        texts, counts = np.unique(np.array([str(value) for value in values]), return_counts=True)
        order = np.lexsort((texts, -counts))[: self.max_categories]
        return _Categorical(name, tuple(str(texts[i]) for i in order))


@dataclass(frozen=True, slots=True)
class FittedTable:
    """A fitted table encoder; every column becomes one or more coordinates."""

    parts: tuple[_Column, ...]
    most: int
    hashed: int

    def __call__(self, columns: Mapping[str, Sequence[object]]) -> Floats:
        """Embeddings of shape (n, d).

        Raises:
            InputError: when a column of the fit is absent.
        """
        absent = [part.name for part in self.parts if part.name not in columns]
        if absent:
            raise InputError(
                f"no column {', '.join(absent)}",
                expected="the columns of the real rows",
                todo=f"add {absent[0]} to the rows, or leave it out of the real rows",
            )
        if sum(part.width for part in self.parts) <= self.most:
            return np.hstack([part.encode(columns[part.name]) for part in self.parts])
        return self._hashed(columns)

    def _hashed(self, columns: Mapping[str, Sequence[object]]) -> Floats:
        rng = np.random.default_rng(SKETCH)
        out = np.zeros((len(columns[self.parts[0].name]), self.hashed))
        for part in self.parts:  # one column at a time: the memory is that of the embedding
            place, sign = rng.integers(self.hashed, size=part.width), rng.choice((-1.0, 1.0), size=part.width)
            for at, values in zip(place.tolist(), (part.encode(columns[part.name]) * sign).T, strict=True):
                out[:, at] += values
        return out


class _Column(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def width(self) -> int: ...

    def encode(self, values: Sequence[object]) -> Floats: ...


@dataclass(frozen=True, slots=True)
class _Numeric:
    name: str
    center: float
    scale: float
    gaps: bool

    @property
    def width(self) -> int:
        return 2 if self.gaps else 1

    @classmethod
    def fit(cls, name: str, numbers: Floats) -> _Numeric:
        present = numbers[np.isfinite(numbers)]
        if present.size == 0:
            raise InputError(
                f"column {name} contains no finite number",
                expected="at least one finite number",
                todo=f"remove the column {name}, or fill it",
            )
        return cls(name, float(np.median(present)), float(present.std()) or 1.0, present.size < numbers.size)

    def encode(self, values: Sequence[object]) -> Floats:
        numbers = _numbers(values)
        if numbers is None:
            raise InputError(
                f"column {self.name} contains text in one dataset and numbers in the other",
                expected="one type in both datasets",
                todo=f"convert {self.name} to numbers in both files",
            )
        return self.scaled(numbers)

    def scaled(self, numbers: Floats) -> Floats:
        """Numbers in standard deviations from the median (n, 1), with a flag where some are missing (n, 2)."""
        present = np.isfinite(numbers)
        scaled = np.where(present, (np.where(present, numbers, self.center) - self.center) / self.scale, 0.0)
        return np.column_stack([scaled, ~present]) if self.gaps else scaled[:, None]


@dataclass(frozen=True, slots=True)
class _Dated:
    """Dates as days, with the weekday on a circle and the hour where they vary."""

    name: str
    form: DateFormat
    days: _Numeric
    weekdays: bool
    hours: bool

    @property
    def width(self) -> int:
        return self.days.width + 2 * self.weekdays + self.hours

    @classmethod
    def fit(cls, name: str, form: DateFormat, values: Sequence[object]) -> _Dated:
        days = form.days(values)
        found = parts(days)
        weekdays, hours = (np.unique(found[part][np.isfinite(days)]).size > 1 for part in ("weekday", "hour"))
        return cls(name, form, _Numeric.fit(name, days), weekdays, hours)

    def encode(self, values: Sequence[object]) -> Floats:
        days = self.form.days(values)
        found, known = parts(days), np.isfinite(days)
        out = [self.days.scaled(days)]
        if self.weekdays:
            angle = np.where(known, found["weekday"], 0.0) * (2 * np.pi / 7)
            out += [(np.where(known, turn(angle), 0.0) * np.sqrt(2))[:, None] for turn in (np.sin, np.cos)]
        if self.hours:
            out.append((np.where(known, found["hour"] - 12, 0.0) / 6)[:, None])
        return np.hstack(out)


@dataclass(frozen=True, slots=True)
class _Categorical:
    name: str
    categories: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.categories) + 1

    def encode(self, values: Sequence[object]) -> Floats:
        index = {category: i for i, category in enumerate(self.categories)}
        out = np.zeros((len(values), len(self.categories) + 1))
        for row, value in enumerate(values):
            out[row, index.get(str(value), len(self.categories))] = 1
        return out


def _numbers(values: Sequence[object]) -> Floats | None:
    """The column as float64, NaN where missing; None when it is not numeric."""
    if isinstance(values, array):
        return np.array(values, dtype=np.float64)
    kinds = set(map(type, values))
    if kinds == {float}:
        return np.array(values, dtype=np.float64)
    if any(isinstance(value, str | bytes | list | dict | tuple) for value in values):
        return None
    return np.array([np.nan if value is None else float(value) for value in values])  # type: ignore[arg-type]
