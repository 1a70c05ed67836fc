"""Datasets laid out for ``gain``: numbering, embeddings, codes, clusters, lineage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from syngain.core.errors import InputError
from syngain.core.progress import Progress, silent
from syngain.data.columns.targets import NUMERIC, Target
from syngain.data.dataset import Dataset, Kind, check_compared
from syngain.data.encoders.comparisons import ComparisonEncoder, Comparisons
from syngain.data.encoders.vectors import HashedNgrams, TableEncoder, fitted_on
from syngain.data.splits import groups
from syngain.data.study import Role, Study
from syngain.data.text import near_duplicates
from syngain.gain.design.features import FixedFeatures, NgramFeatures, PairFeatures, compared_texts
from syngain.gain.design.lineage import Lineage
from syngain.gain.proxies.frozen import FrozenTask
from syngain.gain.proxies.labels import LabelTask
from syngain.gain.proxies.metrics import FROZEN_METRICS, metrics_of
from syngain.gain.proxies.preference import PreferenceTask
from syngain.gain.proxies.targets import TargetTask
from syngain.gain.proxies.texts import TextTask
from syngain.learners.boosting import Boosting
from syngain.learners.logistic import Logistic
from syngain.learners.targets.build import target_design, with_waves
from syngain.learners.targets.rows import TargetRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Ints
    from syngain.core.rng import Streams
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.gain.proxies.frozen import FrozenReader
    from syngain.gain.proxies.labels import Classifier, Encode
    from syngain.learners.ngram import NgramModel

REAL_ROLES: tuple[Role, ...] = ("real", "held_out", "test")  # in the order of the numbering
COMMON = 0.2  # of the preference rows have one prompt: then it is no topic
MOST_CLASSES = 2_000
MOST_FOR_TREES = 300  # columns; a fit of trees takes seconds then, and there are hundreds
MOST_CLASSES_FOR_TREES = 5  # each round grows a tree per class
KINDS = 4  # real rows that differ
FEWEST = 20  # real rows: ten folds of two


@dataclass(frozen=True)
class GainLayout:
    """A study for ``gain``: real rows on one numbering, synthetic rows on another.

    Real rows are real, then held-out, then test rows.

    Attributes:
        study: the datasets. ``anchors``, ``pool``, ``test``: rows of the real numbering. label: codes of all real rows
            (N,), zeros without labels. synthetic_label: codes (m,). names: the labels in the order of their codes.
            cluster: near-duplicate cluster of every real row. lineage: real rows and what was made from them.
            generators: code of each synthetic row's generator (m,), None when fewer than two are named.
            reader: the frozen language model that reads the rows; None for other proxies.
    """

    study: Study
    anchors: Ints
    pool: Ints
    test: Ints
    label: Ints
    synthetic_label: Ints
    names: tuple[str, ...]
    cluster: Ints
    lineage: Lineage
    generators: Ints | None = None
    reader: FrozenReader | None = None

    @classmethod
    def of(
        cls,
        real: Dataset,
        synthetic: Dataset,
        *,
        pool: Dataset | None = None,
        test: Dataset | None = None,
        reader: FrozenReader | None = None,
    ) -> GainLayout:
        """Lay out datasets; see :meth:`of_study`."""
        return cls.of_study(Study.of(real, synthetic, test=test, held_out=pool), reader)

    @classmethod
    def of_study(cls, study: Study, reader: FrozenReader | None = None) -> GainLayout:
        """Lay out a study.

        Raises:
            InputError: too few real rows or rows, labels on one side only, one class only.
        """
        roles, sets = _roles(study), _sets(study)
        real, synthetic = study.real, study.synthetic
        check(real, synthetic, sets)
        sizes = [len(data) if (data := study.dataset(role)) is not None else 0 for role in REAL_ROLES]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        anchors, pooled, tested = (np.arange(starts[i], starts[i + 1]) for i in range(3))
        near = _same_prompt(study, study.clusters(*roles, "synthetic"))
        total = int(starts[-1])
        lineage = Lineage.of(study.source, np.concatenate([near[: len(real)], near[total:]]))
        if np.unique(near[: len(real)]).size < KINDS:
            raise InputError(
                f"the {len(real):,} rows of {real.name} are near-duplicates of each other",
                expected=f"at least {KINDS} real rows that differ: some to train on, some held out",
                todo="add real rows that differ",
            )
        label, names = _coded([value for item in (*sets, synthetic) for value in item.labels or [""] * len(item)])
        return cls(
            study=study,
            anchors=anchors,
            pool=pooled,
            test=tested,
            label=label[:total],
            synthetic_label=label[total:],
            names=names,
            cluster=near[:total],
            lineage=lineage,
            generators=_generators(synthetic),
            reader=reader,
        )

    @property
    def real(self) -> Sequence[Dataset]:
        """The datasets of real rows, in the order of the numbering."""
        return _sets(self.study)

    @property
    def synthetic(self) -> Dataset:
        """The synthetic rows."""
        return self.study.synthetic

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics of the proxy; the first is the primary one."""
        return metrics_of(self.synthetic) if self.reader is None else FROZEN_METRICS

    @property
    def labeled(self) -> bool:
        """Whether rows have labels."""
        return self.synthetic.labels is not None

    @property
    def linear(self) -> bool:
        """Whether the proxy of labels is linear: on texts, and on tables with too many columns or classes for trees."""
        wide = len(self.synthetic.columns) > MOST_FOR_TREES or len(self.names) > MOST_CLASSES_FOR_TREES
        return bool(self.synthetic.sides) or wide

    @property
    def preferences(self) -> bool:
        """Whether rows are preferences without labels."""
        return self.synthetic.preferences is not None and not self.labeled

    @property
    def anchor_labels(self) -> Ints:
        """Codes of the real rows' labels (n,)."""
        return self.label[self.anchors]

    def label_task(
        self, streams: Streams, *, encoder: TextEncoder | None = None, learner: Classifier | None = None
    ) -> LabelTask:
        """The linear proxy on text and wide tables, gradient boosting on tables; or a learner of your own.

        The encoder is fitted on real rows and synthetic rows without labels, never on pool or test.

        Raises:
            InputError: so many labels that they are no classes.
        """
        self._check_classes()
        encode = self._encode(encoder or HashedNgrams(), streams)
        real, synthetic = encode(self.anchors, np.arange(self.synthetic_label.size))
        by_kind: Classifier = Logistic() if self.linear else Boosting()
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
            encode=encode if isinstance(encode, NgramFeatures) else None,
        )

    def _check_classes(self) -> None:
        if len(self.names) <= MOST_CLASSES:
            return
        raise InputError(
            f"{self.real[0].name} and {self.synthetic.name} have {len(self.names):,} different labels",
            expected=f"at most {MOST_CLASSES:,} classes to measure a gain: a proxy learns each of them",
            todo="ignore labels with --label none, name another column with --label NAME, or merge rare labels",
        )

    def preference_task(self, streams: Streams) -> PreferenceTask:
        """The Bradley-Terry proxy on differences between two responses.

        The encoder is fitted on real rows and synthetic rows, never on pool or test.
        """
        encoder = ComparisonEncoder()
        real = Comparisons.joined([compared_texts(encoder, item) for item in self.real])
        encode = PairFeatures(encoder, real, compared_texts(encoder, self.synthetic), streams)
        ours, theirs = encode(self.anchors, np.arange(len(self.synthetic)))
        own = self.anchors.size + len(self.synthetic) + 1  # above every unit of the lineage
        unit = np.concatenate([self.lineage.group, own + self.cluster[self.anchors.size :]])
        return PreferenceTask(ours, theirs, unit, self.lineage.unit, encode=encode)

    @property
    def target(self) -> Target:
        """The kind of target: classes, or what ``targets`` hold."""
        return Target.CLASS if self.synthetic.targets is None else self.synthetic.targets.kind

    def target_task(self, streams: Streams, *, encoder: TextEncoder | None = None) -> TargetTask:
        """The proxy of a target that is no class.

        The encoder is fitted on real rows and synthetic rows, never on pool or test.
        """
        sets = [*self.real, self.synthetic]
        features, encode = None, None
        if self.target not in {Target.TAGS, Target.TRIPLETS}:
            encode = self._encode(encoder or HashedNgrams(), streams)
            real, synthetic = encode(self.anchors, np.arange(len(self.synthetic)))
            if not self.synthetic.sides:
                real, synthetic = with_waves(real), with_waves(synthetic)
            ends = np.cumsum([len(data) for data in self.real])[:-1]
            features = [*np.split(real, ends), synthetic]
        queries = [data.sides.get("prompt", ()) for data in sets]
        known = [data.targets for data in sets if data.targets is not None]
        design = target_design(known, features, queries, len(self.real))
        own = self.anchors.size + len(self.synthetic) + 1  # above every unit of the lineage
        return TargetTask(
            real=TargetRows.joined(design.rows[:-1]),
            synthetic=design.rows[-1],
            unit=np.concatenate([self.lineage.group, own + self.cluster[self.anchors.size :]]),
            synthetic_unit=self.lineage.unit,
            learner=design.learner,
            names=design.names,
            encode=encode if isinstance(encode, NgramFeatures) else None,
        )

    def task(
        self,
        streams: Streams,
        *,
        encoder: TextEncoder | None = None,
        learner: Classifier | None = None,
        progress: Progress = silent,
    ) -> LabelTask | PreferenceTask | TargetTask | TextTask | FrozenTask:
        """The proxy by kind of rows: labels, other targets, preferences or texts; the frozen model if there is one.

        ``encoder``: of labels and targets only; ``learner``: of labels only.
        """
        if self.reader is not None:
            unit = self._units()
            return FrozenTask.of_sets(self.real, self.synthetic, unit=unit, reader=self.reader, progress=progress)
        if self.target is not Target.CLASS:
            return self.target_task(streams, encoder=encoder)
        if self.labeled:
            return self.label_task(streams, encoder=encoder, learner=learner)
        return self.preference_task(streams) if self.preferences else self.text_task()

    def text_task(self, *, model: NgramModel | None = None) -> TextTask:
        """The n-gram proxy on texts without labels, with the lineage as units.

        Raises:
            InputError: as :meth:`TextTask.of`.
        """
        return TextTask.of_sets(self.real, self.synthetic, unit=self._units(), model=model)

    def _units(self) -> Ints:
        """Clusters of all real, then all synthetic rows that must not be on both sides of an inner fold."""
        above = self.anchors.size + len(self.synthetic) + 1  # above every unit of the lineage
        later = above + self.cluster[self.anchors.size :]
        return np.concatenate([self.lineage.group, later, self.lineage.unit])

    def _encode(self, encoder: TextEncoder, streams: Streams) -> Encode:
        if not self.synthetic.sides:
            known = {
                name: [*self.real[0].columns[name], *self.synthetic.columns[name]] for name in self.real[0].columns
            }
            table = TableEncoder().fit(known)
            real = np.vstack([table(item.columns) for item in self.real])
            return FixedFeatures(real, table(self.synthetic.columns))
        texts, ours = [self.study.texts(role) for role in _roles(self.study)], self.study.texts("synthetic")
        if isinstance(encoder, HashedNgrams):
            counts = sparse.vstack([encoder.counts(one) for one in texts], format="csr")
            return NgramFeatures(encoder, sparse.csr_matrix(counts), encoder.counts(ours), streams)
        fitted = fitted_on(encoder, [texts[0], ours], streams.stream("encoder"))
        return FixedFeatures(np.vstack([fitted(one) for one in texts]), fitted(ours))


def _same_prompt(study: Study, near: Ints) -> Ints:
    """Clusters of all rows, joined where preference rows have one prompt: both sides of a fold would know it."""
    targets = study.synthetic.targets
    compared = study.synthetic.preferences is not None and study.synthetic.labels is None
    if not compared and (targets is None or targets.kind is not Target.TRIPLETS):
        return near
    texts = [study.texts(role, "prompt") for role in (*_roles(study), "synthetic")]
    codes = np.concatenate(near_duplicates.shared_codes(*texts))
    counts = np.bincount(codes, minlength=1)
    return groups(near, np.where(counts[codes] <= max(COMMON * codes.size, 1), codes, -1))


def _roles(study: Study) -> list[Role]:
    return [role for role in REAL_ROLES if study.dataset(role) is not None]


def _sets(study: Study) -> list[Dataset]:
    return [data for role in REAL_ROLES if (data := study.dataset(role)) is not None]


def check(real: Dataset, synthetic: Dataset, sets: Sequence[Dataset]) -> None:
    """Whether a gain can be measured at all.

    Raises:
        InputError: why it cannot.
    """
    if len(real) < FEWEST:
        raise InputError(
            f"{real.name} has {len(real):,} {'row' if len(real) == 1 else 'rows'}",
            expected=f"at least {FEWEST} real rows: some to train on, some held out",
            todo="add real rows, or run `syngain audit --no-gain`, which works with any number",
        )
    if not len(synthetic):
        raise InputError(
            f"{synthetic.name} has no rows",
            expected="at least one synthetic row",
            todo="name a file with synthetic rows",
        )
    for other in (synthetic, *sets[1:]):
        _check_pair(real, other)
    if real.labels is not None and len(set(real.labels)) < 2:
        raise InputError(
            f"{real.name} has one class only ({next(iter(real.labels), '')!r})",
            expected="at least two different labels among the real rows",
            todo="ignore labels with --label none",
        )
    targets = real.targets
    if targets is not None and len(set(targets.numbers if targets.kind in NUMERIC else targets.values)) < 2:
        raise InputError(
            f"all rows of {real.name} have one target ({targets.words(0)})",
            expected="at least two different targets among the real rows",
            todo="name another column with --label, or ignore it with --label none",
        )


def _check_pair(real: Dataset, other: Dataset) -> None:
    if real.kind != other.kind:
        raise InputError(
            f"{other.name} holds {other.kind.value} rows, {real.name} holds {real.kind.value} rows",
            expected="the same kind of rows in both",
            todo="name the columns with --text or --label",
        )
    check_compared(real, other)
    if (real.labels is None) != (other.labels is None):
        having, lacking = (real, other) if other.labels is None else (other, real)
        raise InputError(
            f"{having.name} has labels, {lacking.name} has none",
            expected="labels in both files or in none",
            todo="name the label column with --label real=NAME,synthetic=NAME, or ignore labels with --label none",
        )
    if real.labels is not None and other.labels is not None and not set(real.labels) & set(other.labels):
        some, others = (", ".join(sorted(set(names))[:5]) for names in (real.labels, other.labels))
        raise InputError(
            f"{real.name} and {other.name} have no label in common ({some} ... against {others} ...)",
            expected="the same label names in both",
            todo="give both the same names, name another column with --label, or ignore labels with --label none",
        )
    if real.labels is None and real.targets is None and real.kind == Kind.TABLE:
        raise InputError(
            f"{real.name} is a table without labels",
            expected="a label column, or text",
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
