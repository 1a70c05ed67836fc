"""``targets.*``: fractions of wrong targets among the synthetic rows, beyond the real rows' own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.targets.defects import DEFECTS, changed, everywhere, row_codes
from syngain.audit.targets.evidence import Compared, WrongTargets, wrong_targets
from syngain.core.estimate import Estimate
from syngain.data.columns.targets import Target
from syngain.data.splits import folds, groups
from syngain.data.text.near_duplicates import shared_codes
from syngain.inference.clusters import clustered_variance
from syngain.inference.intervals import normal_intervals
from syngain.learners.targets.build import target_design, with_waves

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.frame import Frame
    from syngain.audit.row_scores import Vectors
    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.core.rng import Streams
    from syngain.learners.targets.build import TargetDesign
    from syngain.learners.targets.rows import FittedTarget, Judgment, TargetRows

FOLDS = 5
FEWEST = 40  # rows of each side
SEEN = 20  # real rows with and without a label, for its own fraction
MOST_LABELS = 30


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """What was found of the targets.

    Attributes:
        estimates: by id. flags: rows of every kind of wrong target (m,). kind: of the targets.
        coherent: whether the synthetic rows agree with each other: they follow another rule, without noise.
        errors: median absolute errors of numbers, of synthetic and of held-out real rows.
    """

    kind: Target
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    flags: Mapping[str, Flags] = field(default_factory=dict)
    coherent: bool = False
    errors: tuple[float, float] | None = None

    @property
    def doubted(self) -> Flags | None:
        """Rows with any wrong target (m,); None where none was looked for, or the rows follow another rule."""
        return None if self.coherent or not self.flags else np.any(list(self.flags.values()), axis=0)


@dataclass(frozen=True)
class TargetSearch:
    """The search for wrong targets.

    Attributes:
        frame: both sides. vectors: embeddings of all rows by side. near: near-duplicate clusters of all rows.
        copied_from: real row of a copy (m,), -1 none. sample: most real rows that train.
    """

    frame: Frame
    vectors: Mapping[str, Vectors]
    near: Ints
    copied_from: Ints
    sample: int
    streams: Streams

    def __call__(self) -> TargetHealth:
        """What is found; nothing with too few rows."""
        real, synthetic = self.frame.real, self.frame.synthetic
        assert real.targets is not None and synthetic.targets is not None  # noqa: S101, PT018  (the caller looked)
        nothing = TargetHealth(real.targets.kind)
        if min(real.size, synthetic.size) < FEWEST:
            return nothing
        rows = np.sort(self.streams.stream("real").permutation(real.size)[: self.sample])
        design = self._design(rows)
        if design is None:
            return nothing
        ours, theirs = design.rows
        group = self._groups(rows)
        fold = folds(group, FOLDS, self.streams.stream("folds"))
        models = [_fitted(design, ours, fold, name) for name in range(int(fold.max()) + 1)]
        own = self._fold_of_synthetic(rows, fold)
        held = _cross(models, ours, fold)
        found = _cross(models, theirs, own)
        fractions = self._fractions(_CrossFit(design, models, fold, held, found, group))
        skill = held.chance - held.loss
        estimates = {
            "targets.skill": _skill(skill, group),
            **{f"targets.{name}": one.fraction for name, one in fractions.items()},
        }
        flags = {name: one.flags for name, one in fractions.items() if "@" not in name}
        value = min(max((fractions[name].fraction.value for name in flags), default=0.0), 1.0)  # noisy, may exceed 1
        coherent = value > 0 and self._coherent(design, float(skill.mean()), value, ours)
        error = _errors(held, found) if design.kind is Target.NUMBER else None
        return TargetHealth(design.kind, estimates, flags, coherent, error)

    def _design(self, rows: Ints) -> TargetDesign | None:
        real, synthetic = self.frame.real, self.frame.synthetic
        assert real.targets is not None and synthetic.targets is not None  # noqa: S101, PT018  (the caller looked)
        queries: Sequence[Sequence[str]] = ((), ())
        features = None
        if real.targets.kind is Target.TRIPLETS:
            queries = (real.texts["prompt"].take(rows.tolist()), synthetic.texts["prompt"])
        elif real.targets.kind is not Target.TAGS:
            if not self.vectors:
                return None
            ours = np.hstack([one.real[rows] for one in self.vectors.values()]).astype(np.float64)
            theirs = np.hstack([one.synthetic for one in self.vectors.values()]).astype(np.float64)
            features = [ours, theirs] if self.frame.sides else [with_waves(ours), with_waves(theirs)]
        return target_design([real.targets.take(rows.tolist()), synthetic.targets], features, queries, 1)

    def _groups(self, rows: Ints) -> Ints:
        """Real rows that must not be in two folds: near duplicates, and those of one query."""
        near = self.near[: self.frame.real.size][rows]
        if self.frame.real.targets is None or self.frame.real.targets.kind is not Target.TRIPLETS:
            return groups(near)
        return groups(near, shared_codes(self.frame.real.texts["prompt"].take(rows.tolist()))[0])

    def _fold_of_synthetic(self, rows: Ints, fold: Ints) -> Ints:
        """The model of each synthetic row (m,): one that never saw its real row, nor the one it copies."""
        size = self.frame.synthetic.size
        made_from = np.where(self.frame.source >= 0, self.frame.source, self.copied_from)
        place = row_codes(rows, self.frame.real.size)[np.full(size, -1) if self.frame.held_out else made_from]
        return np.where(place >= 0, fold[place], np.arange(size) % (int(fold.max()) + 1))

    def _fractions(self, fit: _CrossFit) -> dict[str, WrongTargets]:
        """The fraction of every kind of wrong target that can be measured, for label sets also by label."""
        design = fit.design
        ours, theirs = design.rows
        out = {}
        for name, defect in DEFECTS[design.kind].items():
            spoiled = defect.spoil(ours, design.names, self.streams.stream("spoil", name))
            differs = changed(ours, spoiled)
            losses = Compared(
                fit.held.loss,
                _cross(fit.models, spoiled, fit.fold).loss[differs],
                fit.found.loss,
                defect.shows(ours, design.names),
                defect.shows(spoiled, design.names)[differs],
                defect.shows(theirs, design.names),
            )
            found = wrong_targets(losses, fit.group, self.frame.unit, defect.words)
            if found is not None:
                out[name] = found
        if design.kind is Target.LABELS:
            out |= self._by_label(fit)
        return out

    def _by_label(self, fit: _CrossFit) -> dict[str, WrongTargets]:
        ours, names = fit.design.rows[0], fit.design.names
        flipped = _cross(fit.models, ours.with_targets(1 - ours.y), fit.fold).parts["losses"]
        held, found = fit.held.parts["losses"], fit.found.parts["losses"]
        counts = ours.y.sum(axis=0)
        rare = np.minimum(counts, len(ours) - counts) < SEEN
        out = {}
        for code in np.argsort(-counts, kind="stable")[:MOST_LABELS].tolist():
            if rare[code]:
                continue
            always = (everywhere(ours, ()), everywhere(ours, ()), np.ones(len(found), dtype=bool))
            losses = Compared(held[:, code], flipped[:, code], found[:, code], *always)
            words = f"label {names[code]} looks wrong"
            one = wrong_targets(losses, fit.group, self.frame.unit, words)
            if one is not None:
                out[f"noise@label={names[code]}"] = one
        return out

    def _coherent(self, design: TargetDesign, skill: float, wrong: float, ours: TargetRows) -> bool:
        """Whether a model of other synthetic rows predicts these as well as one of real rows predicts real ones."""
        theirs = design.rows[1]
        size = min(len(ours), len(theirs))
        rows = np.sort(self.streams.stream("inner").permutation(len(theirs))[:size])
        unit = groups(self.frame.unit[rows], self.near[self.frame.real.size :][rows])
        fold = folds(unit, FOLDS, self.streams.stream("inner folds"))
        some = theirs[rows]
        inner = _cross([_fitted(design, some, fold, name) for name in range(int(fold.max()) + 1)], some, fold)
        return float((inner.chance - inner.loss).mean()) >= (1 - wrong / 2) * skill > 0


@dataclass(frozen=True, slots=True)
class _CrossFit:
    """Models of folds of real rows, and how they judge rows that they never saw.

    Attributes:
        fold: of each real row (n,). held, found: the real and the synthetic rows judged. group: of real rows (n,).
    """

    design: TargetDesign
    models: Sequence[FittedTarget]
    fold: Ints
    held: Judgment
    found: Judgment
    group: Ints


def _fitted(design: TargetDesign, rows: TargetRows, fold: Ints, name: int) -> FittedTarget:
    """The model of all other folds; its penalty is chosen on them."""
    rest = np.flatnonzero(fold != name)
    return design.learner.fit(rows[rest], fold[rest], np.ones(rest.size, dtype=bool))


def _cross(models: Sequence[FittedTarget], rows: TargetRows, fold: Ints) -> Judgment:
    """Each row as the model of its fold sees it."""
    places = [np.flatnonzero(fold == name) for name in range(len(models))]
    found = [model.judge(rows[at]) for model, at in zip(models, places, strict=True)]
    order = np.argsort(np.concatenate(places), kind="stable")

    def pooled(parts: Sequence[Floats]) -> Floats:
        return np.asarray(np.concatenate(list(parts))[order])

    names = found[0].parts
    return type(found[0])(
        pooled([one.loss for one in found]),
        pooled([one.size for one in found]),
        pooled([one.chance for one in found]),
        {name: pooled([one.parts[name] for one in found]) for name in names},
    )


def _skill(skill: Floats, group: Ints) -> Estimate:
    value = float(skill.mean())
    return Estimate(
        value=value,
        unit="nats",
        method="loss without features minus loss of the model, on held-out real rows",
        estimand="how much a model learns of the targets of real rows",
        intervals=normal_intervals(value, float(np.sqrt(clustered_variance(skill, group)))),
        n=skill.size,
        clusters=int(np.unique(group).size),
    )


def _errors(held: Judgment, found: Judgment) -> tuple[float, float]:
    synthetic, real = (float(np.sqrt(np.median(one.parts["error"]))) for one in (found, held))
    return synthetic, real
