"""``syngain clean``: profiles of labeled rows, rows to drop, and the measured gain of dropping them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from syngain._version import __version__
from syngain.core.documents.warned import carried
from syngain.core.errors import InputError
from syngain.core.progress import Progress, part_of, silent
from syngain.core.result import Dropped, MapPoint, Result, Views
from syngain.core.rng import Streams
from syngain.data.files.write import RecordFile, RowFile
from syngain.data.study import Study
from syngain.gain.cleaning.label_noise import NoiseFloor
from syngain.gain.cleaning.methods import METHODS, cleaning_method
from syngain.gain.cleaning.narrative import methods, reason, verdict
from syngain.gain.cleaning.nested_cleaning import CleaningLayout, CleaningTrial, cross_validated, on_test_rows
from syngain.gain.cleaning.profile import ProfileModel
from syngain.gain.cleaning.profiled_rows import map_note, map_points, profile_records, profile_shares
from syngain.gain.design.layout import GainLayout
from syngain.gain.design.overlap import apart
from syngain.gain.proxies.metrics import LABEL_METRICS
from syngain.learners.boosting import Boosting
from syngain.workflows.inputs import Source, dataset_of, of_kind, optional_dataset, settings_json, summaries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Flags
    from syngain.core.estimate import Estimate
    from syngain.core.result import RunFile
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.gain.cleaning.methods import Suspects
    from syngain.gain.cleaning.nested_cleaning import CleaningGains
    from syngain.gain.cleaning.profile import LabelProfile
    from syngain.gain.proxies.labels import Classifier


ROUNDS = (16, 32)  # of boosted trees, to choose from: there are dozens of fits


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanSettings:
    """Settings of a cleaning.

    Attributes:
        members, profile_folds: repeated cross-fits of a profile, and folds of each.
        encoder: turns text into embeddings; None needs no download. learner: the proxy that measures the gain; None is
            that of the rows' kind. trial: folds, random drops, rows that are measured on.
    """

    members: int = 2
    profile_folds: int = 5
    encoder: TextEncoder | None = None
    learner: Classifier | None = None
    trial: CleaningTrial = field(default_factory=CleaningTrial)


@carried
def clean(  # noqa: PLR0913  (the inputs and switches of the command)
    real: Source,
    synthetic: Source | None = None,
    *,
    test: Source | None = None,
    method: str = "profile",
    seed: int = 0,
    settings: CleanSettings | None = None,
    progress: Progress = silent,
) -> Result:
    """Profile labeled rows, name rows with wrong labels, and measure the gain of dropping them.

    Without ``synthetic`` the real rows are cleaned, for example before rows are generated from them; with it, the
    synthetic rows.

    Args:
        real: your real rows, as a dataset or a path, with labels of classes.
        synthetic: the rows to clean instead; the real rows then stay as they are.
        test: real rows to measure the gain on; None measures it on the real rows, held out in turn.
        method: ``profile`` or ``confident``: which rows the verdict, ``kept.jsonl`` and ``dropped.jsonl`` are about.
            Both are measured.
        seed: of every random choice.
        settings: how often profiles are repeated, encoder, proxy model.
        progress: called with the stage and the fraction done.

    Returns:
        The result. ``kept_rows`` and ``dropped_rows`` follow the verdict: no row is dropped without a gain in log-loss
        over keeping all rows and over dropping random rows (90% intervals above 0 nats).

    Raises:
        InputError: a file cannot be read, the rows have no classes, or too few of them.
        UsageError: an unknown method.
    """
    progress("reading", 0.0)
    chosen = of_kind(settings, CleanSettings)
    cleaning_method(method)
    anchors = dataset_of(real)
    made = None if synthetic is None else dataset_of(synthetic, like=anchors)
    given = optional_dataset(test, anchors)
    _check_labels(anchors)
    others = anchors.take([0]) if made is None else made  # a layout needs synthetic rows; this one never trains
    clear = apart(anchors, others, given, None)
    study = Study.of(anchors, others, test=clear.test)
    with threadpool_limits(1):
        layout = _layout(study, chosen, method, Streams(seed), synthetic=made is not None)
        progress("profiling", 0.05)
        rows = _Profiled(anchors if made is None else made, layout.side, method, _whole_profile(layout))
        gains = _measured(study, layout, chosen, part_of(progress, 0.2, 0.95))
    progress("done", 1.0)
    found = _result(rows, gains, layout, chosen, seed)
    return replace(
        found,
        inputs=summaries({"real": anchors, "synthetic": made, "test": given}),
        findings=clear.finding(given, made) if given is not None and made is not None else (),
        views=replace(found.views, computed=(*found.views.computed, *clear.paragraph())),
    )


def _result(rows: _Profiled, gains: CleaningGains, layout: CleaningLayout, chosen: CleanSettings, seed: int) -> Result:
    """The result without its inputs."""
    method, count, named = rows.method, len(rows.data), int(rows.suspects.drop.sum())
    estimates = _estimates(gains, rows.profile, layout.methods)
    kept = _next(layout.ground.real[0], layout.side, count)
    decided = verdict(method, (named, count), estimates, side=layout.side, next_command=kept)
    drop = rows.suspects.drop & (decided.decision == "use_subset")
    return Result(
        command="clean",
        version=__version__,
        seed=seed,
        inputs={},
        estimates=dict(sorted(estimates.items())),
        findings=(),
        verdict=decided,
        dropped=rows.dropped(drop),
        views=Views(
            map_points=rows.points(),
            map_note=map_note(method, kept=not drop.any()),
            computed=methods(layout, chosen.trial, gains),
        ),
        files=rows.files(drop),
        settings=settings_json(chosen, method=method),
    )


def _check_labels(real: Dataset) -> None:
    if real.labels is None:
        what = "no labels" if real.targets is None else f"targets of the kind {real.targets.kind}"
        raise InputError(
            f"{real.name} has {what}",
            expected="a column with classes, whose labels may be wrong",
            todo="name the label column with --label; read numbers as classes with --target class",
        )


def _layout(study: Study, chosen: CleanSettings, method: str, streams: Streams, *, synthetic: bool) -> CleaningLayout:
    ground = GainLayout.of_study(study)
    learner = chosen.learner or (None if ground.linear else Boosting(ROUNDS))
    task = ground.label_task(streams, encoder=chosen.encoder, learner=learner)
    model = ProfileModel(linear=ground.linear, members=chosen.members, folds=chosen.profile_folds)
    return CleaningLayout(
        ground, task, model, (method, *(name for name in METHODS if name != method)), synthetic, streams
    )


def _whole_profile(layout: CleaningLayout) -> LabelProfile:
    """The profile of all rows that are cleaned."""
    real = layout.ground.anchors
    rows = layout.made_from(np.ones(real.size, dtype=bool))
    found = layout.profile(layout.task.within(real, rows), real, rows, layout.streams)
    return found.take(np.arange(real.size, real.size + rows.size)) if layout.synthetic else found


def _measured(study: Study, layout: CleaningLayout, chosen: CleanSettings, progress: Progress) -> CleaningGains:
    """The gain of every method, on a random part of many rows."""
    trial = chosen.trial
    if study.test is not None:
        progress("cleaning and evaluating on the test set", 0.5)
        return on_test_rows(layout, trial)
    most = {"real": len(study.real), "synthetic": len(study.synthetic)}
    rng = layout.streams.stream("sample")
    taken = {name: np.sort(rng.permutation(count)[: trial.most]).tolist() for name, count in most.items()}
    if all(len(rows) == most[name] for name, rows in taken.items()):
        return cross_validated(layout, trial, progress)
    sampled = study.take(real=taken["real"], synthetic=taken["synthetic"])
    part = Study.of(sampled.real, sampled.synthetic)
    smaller = _layout(part, chosen, layout.methods[0], layout.streams, synthetic=layout.synthetic)
    return cross_validated(smaller, trial, progress)


def _estimates(gains: CleaningGains, profile: LabelProfile, names: Sequence[str]) -> dict[str, Estimate]:
    """Gains of each method by metric, fractions of the profile, rate of wrong labels."""
    out: dict[str, Estimate] = {}
    for name in names:
        for metric in LABEL_METRICS:
            for control, arm, words in (
                ("none", "all", "all rows"),
                ("random", "random", f"as many random rows dropped as {names[0]} names"),
            ):
                out[f"cleaning.{metric}.over_{control}@{name}"] = gains.gains.over(
                    metric, name, arm, f"rows named by {name} dropped, versus {words}"
                )
    return (
        out | profile_shares(profile) | {"profile.wrong_labels": NoiseFloor.of(profile.mean, profile.label).estimate()}
    )


def _next(real: Dataset, side: str, count: int) -> str:
    """What to do with the kept rows: generate from real rows of a table, else measure."""
    if side == "synthetic":
        return "syngain gain REAL kept.jsonl"
    if real.sides:
        return "syngain audit kept.jsonl SYNTHETIC"
    return f"syngain generate --real kept.jsonl --generator cells --rows {count}"


@dataclass(frozen=True)
class _Profiled:
    """The rows that are cleaned, and their profile."""

    data: Dataset
    side: str
    method: str
    profile: LabelProfile

    @cached_property
    def suspects(self) -> Suspects:
        return cleaning_method(self.method)(self.profile)

    @property
    def labels(self) -> Sequence[str]:
        return self.data.labels or ()

    @cached_property
    def texts(self) -> Sequence[str]:
        return Study(real=self.data, synthetic=self.data).texts("real")

    def points(self) -> tuple[MapPoint, ...]:
        return map_points(self.profile, self.suspects.drop, (self.data.ids, self.texts, self.labels), self.side)

    def dropped(self, drop: Flags) -> tuple[Dropped, ...]:
        """The dropped rows, the most suspect first."""
        groups, score = self.profile.groups, self.suspects.score
        rows = np.flatnonzero(drop)
        return tuple(
            Dropped(
                row=row,
                id=self.data.ids[row],
                text=self.texts[row],
                label=self.labels[row],
                reasons=(groups[row],),
                score=float(score[row]),
            )
            for row in rows[np.argsort(-score[rows], kind="stable")].tolist()
        )

    def files(self, drop: Flags) -> dict[str, RunFile]:
        """Kept rows as they were, dropped rows with their reason, and the profile of every row."""
        records = profile_records(self.profile, self.data.ids, self.labels)
        score = self.suspects.score
        rows = np.flatnonzero(drop).tolist()
        extra: dict[str, Sequence[object]] = {
            "syngain_id": [self.data.ids[row] for row in rows],
            "syngain_reason": [reason(self.method, records[row]) for row in rows],
            "syngain_score": [float(score[row]) for row in rows],
        }
        return {
            "kept.jsonl": RowFile(self.data, np.flatnonzero(~drop).tolist()),
            "dropped.jsonl": RowFile(self.data, rows, extra),
            "profile.jsonl": RecordFile(records),
        }
