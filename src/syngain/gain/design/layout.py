"""Datasets laid out for ``gain``: one numbering of real rows, vectors, label codes, clusters and lineage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from syngain.core.errors import InputError
from syngain.data import match_sources
from syngain.data.dataset import Dataset, Kind
from syngain.data.encoders.vectors import HashedNgrams, TableEncoder
from syngain.data.text import near_duplicates
from syngain.data.text.normal_forms import joined_sides
from syngain.gain.design.lineage import Lineage
from syngain.gain.proxies.labels import LabelTask
from syngain.learners.boosting import Boosting
from syngain.learners.logistic import Logistic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.core.rng import Streams
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.gain.proxies.labels import Classifier, Encode

REMEMBERED = 24  # encoders whose vectors are kept: ten folds of two trials and a few more
KINDS = 4  # anchors that differ
FEWEST = 20  # anchors: ten folds of two


@dataclass(frozen=True)
class Ground:
    """All rows of a gain on one numbering: anchors, then pool, then test; synthetic rows on their own.

    Attributes:
        anchors, pool, test: rows of the real numbering. label: codes of all real rows (N,), zeros without labels.
        synthetic_label: codes (m,). names: the labels in the order of their codes. cluster: near-duplicate cluster of
            every real row. lineage: anchors and what was made from them. generators: code of each synthetic row's
            generator (m,), None when fewer than two are named.
    """

    anchors: Ints
    pool: Ints
    test: Ints
    label: Ints
    synthetic_label: Ints
    names: tuple[str, ...]
    cluster: Ints
    lineage: Lineage
    real: Sequence[Dataset]
    synthetic: Dataset
    generators: Ints | None = None

    @classmethod
    def of(
        cls, real: Dataset, synthetic: Dataset, *, pool: Dataset | None = None, test: Dataset | None = None
    ) -> Ground:
        """Lay out datasets.

        Raises:
            InputError: too few anchors or rows, labels on one side only, one class only.
        """
        sets = [item for item in (real, pool, test) if item is not None]
        check(real, synthetic, sets)
        sizes = [len(real), len(pool) if pool is not None else 0, len(test) if test is not None else 0]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        anchors, pooled, tested = (np.arange(starts[i], starts[i + 1]) for i in range(3))
        texts = [text for item in (*sets, synthetic) for text in joined(item)]
        near = near_duplicates.clusters(texts) if real.sides else near_duplicates.codes(texts)
        total = int(starts[-1])
        source, _ = match_sources(synthetic, real)
        made_from = np.full(len(synthetic), -1) if source is None else np.asarray(source, dtype=np.int64)
        lineage = Lineage.of(made_from, np.concatenate([near[: len(real)], near[total:]]))
        if np.unique(near[: len(real)]).size < KINDS:
            raise InputError(
                f"the {len(real):,} rows of {real.name} are near duplicates of each other",
                expected=f"at least {KINDS} anchors that differ, to learn from some and be judged by others",
            )
        label, names = _coded([value for item in (*sets, synthetic) for value in item.labels or [""] * len(item)])
        return cls(
            anchors=anchors,
            pool=pooled,
            test=tested,
            label=label[:total],
            synthetic_label=label[total:],
            names=names,
            cluster=near[:total],
            lineage=lineage,
            real=sets,
            synthetic=synthetic,
            generators=_generators(synthetic),
        )

    @property
    def labeled(self) -> bool:
        """Whether rows have labels."""
        return self.synthetic.labels is not None

    @property
    def anchor_labels(self) -> Ints:
        """Codes of the anchors' labels (n,)."""
        return self.label[self.anchors]

    def label_task(
        self, streams: Streams, *, encoder: TextEncoder | None = None, learner: Classifier | None = None
    ) -> LabelTask:
        """The linear proxy on text, gradient boosting on tables; or a learner of your own.

        The encoder is fitted on anchors and synthetic rows without labels, never on pool or test.
        """
        encode = self._encode(encoder or HashedNgrams(), streams)
        real, synthetic = encode(self.anchors, np.arange(self.synthetic_label.size))
        by_kind: Classifier = Logistic() if self.synthetic.sides else Boosting()
        own = self.anchors.size + self.synthetic_label.size + 1  # above every unit of the lineage
        unit = np.concatenate([self.lineage.group, own + self.cluster[self.anchors.size :]])
        return LabelTask(
            real=real,
            synthetic=synthetic,
            label=self.label,
            synthetic_label=self.synthetic_label,
            unit=unit,
            synthetic_unit=self.lineage.unit,
            classes=len(self.names),
            learner=learner or by_kind,
            encode=encode if isinstance(encode, _Ngrams) else None,
        )

    def _encode(self, encoder: TextEncoder, streams: Streams) -> Encode:
        if not self.synthetic.sides:
            known = {
                name: [*self.real[0].columns[name], *self.synthetic.columns[name]] for name in self.real[0].columns
            }
            table = TableEncoder().fit(known)
            real = np.vstack([table(item.columns) for item in self.real])
            return _Fixed(real, table(self.synthetic.columns))
        texts, ours = joined(self.synthetic), [text for item in self.real for text in joined(item)]
        if isinstance(encoder, HashedNgrams):
            return _Ngrams(encoder, encoder.counts(ours), encoder.counts(texts), streams)
        fitted = encoder.fit([*joined(self.real[0]), *texts], streams.stream("encoder"))
        return _Fixed(fitted(ours), fitted(texts))


@dataclass(frozen=True)
class _Fixed:
    """Vectors that no fold changes."""

    real: Floats
    synthetic: Floats

    def __call__(self, _: Ints, __: Ints) -> tuple[Floats, Floats]:
        return self.real, self.synthetic


@dataclass(frozen=True)
class _Ngrams:
    """Vectors by n-grams that are weighed and projected anew for every part of the rows."""

    encoder: HashedNgrams
    real: sparse.csr_matrix[np.float32]
    synthetic: sparse.csr_matrix[np.float32]
    streams: Streams
    _known: dict[bytes, tuple[Floats, Floats]] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, real: Ints, synthetic: Ints) -> tuple[Floats, Floats]:
        """Vectors of all rows; those of the last parts are kept, for the next learner comes back to the same folds."""
        key = real.tobytes() + b"|" + synthetic.tobytes()
        if key not in self._known:
            while len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[key] = self._fitted(real, synthetic)
        return self._known[key]

    def _fitted(self, real: Ints, synthetic: Ints) -> tuple[Floats, Floats]:
        seen = sparse.csr_matrix(sparse.vstack([self.real[real], self.synthetic[synthetic]], format="csr"))
        fitted = self.encoder.fit_counts(seen, self.streams.stream("encoder"))
        return fitted.of_counts(self.real), fitted.of_counts(self.synthetic)


def joined(dataset: Dataset) -> list[str]:
    """One text per row; a table's row is written out column by column."""
    if dataset.sides:
        return joined_sides([list(side) for side in dataset.sides.values()])
    columns = list(dataset.columns.values())
    return ["\n".join(map(str, row)) for row in zip(*columns, strict=True)]


def check(real: Dataset, synthetic: Dataset, sets: Sequence[Dataset]) -> None:
    """Whether a gain can be measured at all.

    Raises:
        InputError: why it cannot.
    """
    if len(real) < FEWEST:
        raise InputError(
            f"{real.name} has {len(real):,} {'row' if len(real) == 1 else 'rows'}",
            expected=f"at least {FEWEST} anchors: fewer leave nothing to learn from and be judged by",
            todo="collect more real rows; `syngain audit --no-gain` works with any number",
        )
    if not len(synthetic):
        raise InputError(f"{synthetic.name} has no rows", expected="synthetic rows to measure")
    for other in (synthetic, *sets[1:]):
        _check_pair(real, other)
    if real.labels is not None and len(set(real.labels)) < 2:
        raise InputError(
            f"{real.name} has one class only ({next(iter(real.labels), '')!r})",
            expected="at least two different labels among the real rows",
            todo="leave labels out with --label none",
        )


def _check_pair(real: Dataset, other: Dataset) -> None:
    if real.kind != other.kind:
        raise InputError(
            f"{other.name} holds {other.kind.value} rows, {real.name} holds {real.kind.value} rows",
            expected="the same kind of rows in both",
            todo="name the columns with --text or --label",
        )
    if (real.labels is None) != (other.labels is None):
        having, lacking = (real, other) if other.labels is None else (other, real)
        raise InputError(
            f"{having.name} has labels, {lacking.name} has none",
            expected="labels on both sides or on none",
            todo="name the label column with --label real=NAME,synthetic=NAME, or leave labels out with --label none",
        )
    if real.labels is not None and other.labels is not None and not set(real.labels) & set(other.labels):
        some, others = (", ".join(sorted(set(names))[:5]) for names in (real.labels, other.labels))
        raise InputError(
            f"{real.name} and {other.name} have no label in common ({some} ... against {others} ...)",
            expected="the same names of labels in both",
            todo="give both the same names, name another column with --label, or leave labels out with --label none",
        )
    if real.labels is None and real.kind == Kind.TABLE:
        raise InputError(
            f"{real.name} is a table without labels",
            expected="a label to learn, or text",
            todo="name the label column with --label; `syngain audit --no-gain` works without",
        )


def _coded(labels: Sequence[str]) -> tuple[Ints, tuple[str, ...]]:
    names, codes = np.unique(np.array(labels, dtype=object).astype(str), return_inverse=True)
    return codes.astype(np.int64), tuple(str(name) for name in names)


def _generators(synthetic: Dataset) -> Ints | None:
    if synthetic.generators is None:
        return None
    names, codes = np.unique([str(name or "") for name in synthetic.generators], return_inverse=True)
    return codes.astype(np.int64) if names.size > 1 else None
