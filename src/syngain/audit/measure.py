"""One pass over a frame: all estimates, and the per-row evidence that findings and dropped rows are made of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from syngain.audit.frame import near_clusters
from syngain.audit.measures import uniformity
from syngain.audit.measures.benchmarks import BenchmarkItems, BenchmarkMatches, benchmark_fraction
from syngain.audit.measures.copies import copies_of
from syngain.audit.measures.diversity import Vendi
from syngain.audit.measures.labels import LabelEvidence, LabelProbe, judge, leak_fraction, leaking
from syngain.audit.measures.marginals import Marginals
from syngain.audit.measures.neighbors import Neighbors
from syngain.audit.measures.regions import Cells, Regions
from syngain.audit.measures.relations import Relations
from syngain.audit.measures.repeats import Repeats
from syngain.audit.measures.two_sample import ClassifierTwoSample, KernelTwoSample, Pooled, squared_distances
from syngain.audit.preference.health import PreferenceHealth, preference_health
from syngain.audit.preference.swaps import SwapSearch
from syngain.audit.responses.health import ResponseHealth, response_health
from syngain.audit.row_scores import RowScores, Vectors, score_rows, vectors
from syngain.audit.tables.checks import TableHealth, table_checks
from syngain.audit.tables.trees import TreeTwoSample
from syngain.audit.targets.health import TargetHealth, TargetSearch
from syngain.core.estimate import Estimate, holm
from syngain.core.progress import Progress, silent
from syngain.data.blocks import row_texts, row_values
from syngain.data.text import near_duplicates
from syngain.data.text.words import length
from syngain.tables.typed import typed_tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.frame import Frame
    from syngain.core.arrays import Flags, Ints
    from syngain.core.rng import Streams
    from syngain.data.encoders.vectors import TextEncoder

FEWEST = 20  # rows on each side below which nothing is compared


class EmbeddingMeasure(Protocol):
    """A measure of the pooled sample of one side: embeddings, which rows are real, independent units."""

    def __call__(self, pooled: Pooled, rng: np.random.Generator) -> Mapping[str, Estimate]:
        """Estimates by id, with intervals and expected range."""
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """How much of the dataset the pairwise measures see.

    Attributes:
        sample: rows per side for measures that compare all pairs or fit a classifier; a seeded, size-matched sample.
        encoder: turns text into vectors; None is the default that needs no download.
        more: measures of your own by the name of their random stream; their estimates join the report.
        proxy, model, minutes: of the gain, as in ``GainSettings``; None: 5 minutes.
    """

    sample: int = 1_000
    label_sample: int = 2_000
    encoder: TextEncoder | None = None
    more: Mapping[str, EmbeddingMeasure] = field(default_factory=dict)
    proxy: Literal["auto", "frozen"] = "auto"
    model: str = "smollm2"
    minutes: float | None = None


MEASURES: Mapping[str, EmbeddingMeasure] = {
    "classifier": ClassifierTwoSample(),
    "kernel": KernelTwoSample(),
    "neighbors": Neighbors(),
    "vendi": Vendi(),
}
"""Measures on embeddings by the name of their random stream. A measure is added here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """Estimates and evidence of one frame.

    Attributes:
        repeats, near_repeats, copies, contaminated, leaks: flags per synthetic row (m,).
        habit: whether rows repeat as the rows of a table do by themselves, so that repeats are rows like others.
        copied_from: nearest real row of a copy (m,), -1 none. scores: per side, distances and label doubts of all rows.
        benchmarks: synthetic rows that match items of public benchmarks.
        cells: region name to cells with names; openings: per side, the most common one.
        responses, preferences, targets: bad ones by kind. table: its rules and tails.
    """

    estimates: Mapping[str, Estimate]
    repeats: Flags
    near_repeats: Flags
    near: Ints
    copies: Flags
    copied_from: Ints
    habit: bool = False
    contaminated: Flags | None = None
    leaks: Flags | None = None
    doubted: Flags | None = None
    unknown: Flags | None = None
    labels: LabelEvidence | None = None
    scores: Mapping[str, RowScores] = field(default_factory=dict)
    cells: Mapping[str, tuple[Cells, tuple[str, ...]]] = field(default_factory=dict)
    openings: Mapping[str, str] = field(default_factory=dict)
    vectors: Mapping[str, Vectors] = field(default_factory=dict)
    responses: ResponseHealth | None = None
    preferences: PreferenceHealth | None = None
    targets: TargetHealth | None = None
    benchmarks: BenchmarkMatches | None = None
    table: TableHealth | None = None


def measured(
    frame: Frame, streams: Streams, settings: Settings, progress: Progress = silent, *, responses: bool = True
) -> Measurements:
    """Measure everything that fits the kind of rows; p-values adjusted by Holm over all of them.

    ``responses``: whether bad responses and preferences are looked for; their p-values are adjusted among themselves.
    """
    progress("duplicates and copies", 0.05)
    found = _rows(frame)
    if min(frame.real.size, frame.synthetic.size) < FEWEST:
        return _adjusted(found)
    for position, side in enumerate(frame.sides or ("",)):
        progress(f"vectors and distances {side}".strip(), 0.1 + 0.5 * position / max(len(frame.sides), 1))
        found = _side(found, frame, side, streams.child(side), settings)
    progress("labels", 0.7)
    if frame.real.labels is not None:
        found = _labels(found, frame, streams.child("labels"), settings)
    if frame.real.targets is not None:
        found = _targets(found, frame, streams.child("targets"), settings)
    if responses:
        progress("responses", 0.75)
        found = _row_checks(found, frame, streams.child("preference"), settings)
        table = table_checks(frame, found.near, streams.child("rules"))
        found = replace(found, estimates={**found.estimates, **(table.estimates if table else {})}, table=table)
    return _adjusted(found)


def _row_checks(found: Measurements, frame: Frame, streams: Streams, settings: Settings) -> Measurements:
    """Bad responses of pairs, and bad preferences of pairs with a rejected response."""
    pairs = SwapSearch(frame, found.near, found.copied_from, settings.label_sample, streams)
    responses, preferences = response_health(frame), preference_health(frame, pairs)
    more = {name: item for one in (responses, preferences) if one is not None for name, item in one.estimates.items()}
    return replace(found, estimates={**found.estimates, **more}, responses=responses, preferences=preferences)


def _targets(found: Measurements, frame: Frame, streams: Streams, settings: Settings) -> Measurements:
    """Wrong targets that are no classes."""
    health = TargetSearch(frame, found.vectors, found.near, found.copied_from, settings.label_sample, streams)()
    return replace(found, estimates={**found.estimates, **health.estimates}, targets=health, doubted=health.doubted)


def suffix(frame: Frame, side: str) -> str:
    """How ids name a side: nothing when there is only one."""
    return f"@{side}" if len(frame.sides) > 1 else ""


def _rows(frame: Frame) -> Measurements:
    """Exact and near duplicates, copies of real rows, contamination: on whole rows."""
    repeats = Repeats.of(frame)
    estimates = dict(repeats.estimates)
    copies = copies_of(frame)
    estimates["novelty.copy_fraction"] = copies.fraction()
    contaminated = None
    if frame.test is not None:
        estimate, contaminated = copies.contamination()
        estimates["contamination.test_fraction"] = estimate
    benchmarks = _benchmarks(frame, estimates)
    return Measurements(
        estimates=estimates,
        repeats=repeats.exact,
        near_repeats=repeats.near,
        near=repeats.clusters,
        habit=repeats.habit,
        copies=copies.found,
        copied_from=copies.source,
        contaminated=contaminated,
        benchmarks=benchmarks,
    )


def _benchmarks(frame: Frame, estimates: dict[str, Estimate]) -> BenchmarkMatches | None:
    """Synthetic rows that match items of the benchmarks, where there are some; their estimate is added."""
    if not frame.benchmarks:
        return None
    items = BenchmarkItems.of(frame.benchmarks)
    synthetic, real = (
        items.matches(rows.joined, rows.texts.get("prompt", rows.joined)) for rows in (frame.synthetic, frame.real)
    )
    found = items.named(synthetic)
    estimates["contamination.benchmark_fraction"] = benchmark_fraction(found, real >= 0, frame.unit)
    return found


def _side(found: Measurements, frame: Frame, side: str, streams: Streams, settings: Settings) -> Measurements:
    """Divergence, fidelity, diversity, regions of one side of the pair, or of a table."""
    near = near_clusters(frame, side) if len(frame.sides) > 1 else found.near
    if found.habit:
        near = np.arange(near.size)  # draws of their own
    real, synthetic = frame.distinct(settings.sample, near, streams.stream("sample"))
    if real.size < FEWEST:  # too few different rows to compare; duplicates say so
        return _alike(found, frame, side)
    encoded = vectors(frame, side, real, synthetic, settings.encoder, streams.stream("encoder"))
    unit, group, kin = frame.linked(real, synthetic, near)
    is_real = np.arange(unit.size) < real.size
    pooled = Pooled(encoded.pooled(real, synthetic), is_real, unit, group, kin)
    estimates: dict[str, Estimate] = {}
    columns = frame.pooled_columns(real, synthetic)
    trees = {"classifier": TreeTwoSample(typed_tables(columns)[0])} if columns else {}
    for name, measure in {**MEASURES, **trees, **settings.more}.items():
        estimates |= measure(pooled, streams.stream(name))
    placed, scores, cells = _places(encoded, (real, synthetic), unit, streams)
    estimates |= placed
    names = tuple(f"region {i + 1}" for i in range(cells.expected.size))
    if not frame.sides:
        estimates |= Marginals()(columns, is_real, unit, streams.stream("marginals"))
    openings = dict(found.openings)
    if frame.sides:
        estimates |= _texts(frame, side, (real, synthetic), pooled, streams)
        estimates |= _openings(found, frame, side, (real, synthetic), streams, settings)
        openings[side] = _common_opening(frame, side)
    at = suffix(frame, side)
    return replace(
        found,
        estimates={**found.estimates, **{f"{name}{at}": value for name, value in estimates.items()}},
        scores={**found.scores, side: scores},
        cells={**found.cells, side: (cells, names)},
        openings=openings,
        vectors={**found.vectors, side: encoded},
    )


def _alike(found: Measurements, frame: Frame, side: str) -> Measurements:
    """Only what needs no comparison: the most common opening."""
    openings = {**found.openings, side: _common_opening(frame, side)} if frame.sides else found.openings
    return replace(found, openings=openings)


def _places(
    encoded: Vectors, rows: tuple[Ints, Ints], unit: Ints, streams: Streams
) -> tuple[dict[str, Estimate], RowScores, Cells]:
    """Regions and support. Compared on the sample alone, which the encoder was fitted on: it knows both sides equally.

    Rows that it has not seen lie farther away, so a set with more of them would look displaced. Scores of all rows
    only name rows, and cells are given to all real rows afterwards, to show examples.
    """
    real, synthetic = rows
    seen = Vectors(encoded.real[real], encoded.synthetic[synthetic])
    code, centers = Regions().clusters(seen.real, streams.stream("regions"))
    inner = score_rows(seen, centers)
    cells = Regions().compare(code, inner.cell, len(centers))
    estimates = {
        "fidelity.off_support": inner.estimate(unit[real.size :]),
        "fidelity.missing_mass": Regions().estimate(cells, unit[: real.size]),
    }
    everywhere = squared_distances(encoded.real, centers.astype(np.float32)).argmin(axis=1)
    return estimates, score_rows(encoded, centers), replace(cells, real=everywhere)


def _texts(frame: Frame, side: str, rows: tuple[Ints, Ints], pooled: Pooled, streams: Streams) -> dict[str, Estimate]:
    """Lengths, compression and relations of one side."""
    texts = [frame.real.texts[side][i] for i in rows[0]] + [frame.synthetic.texts[side][i] for i in rows[1]]
    lengths = np.array([length(text) for text in texts])
    coded = [f"{text}\n".encode("utf-8", "surrogatepass") for text in texts]
    estimates = {
        "uniformity.length_overlap": uniformity.length_overlap(
            lengths, pooled.real, pooled.unit, streams.stream("length")
        ),
    }
    estimates |= uniformity.Compression()(coded, pooled.real, pooled.unit, streams.stream("compression"))
    return estimates | Relations()(texts, pooled, streams.stream("relations"))


def _openings(
    found: Measurements,
    frame: Frame,
    side: str,
    rows: tuple[Ints, Ints],
    streams: Streams,
    settings: Settings,
) -> dict[str, Estimate]:
    """Openings and templates of one side; responses to different prompts count however alike they are."""
    near = near_clusters(frame, side) if len(frame.sides) > 1 else found.near
    if side == "response":
        near = found.near
        rows = frame.distinct(settings.sample, near, streams.stream("openings"))
    unit, _, _ = frame.linked(*rows, near)
    texts = [frame.real.texts[side][i] for i in rows[0]] + [frame.synthetic.texts[side][i] for i in rows[1]]
    form, real = uniformity.form_characters(texts), np.arange(unit.size) < rows[0].size
    opening, template = (
        uniformity.Sides(code=near_duplicates.codes([make(text) for text in texts]), real=real, unit=unit)
        for make in (uniformity.opening, partial(uniformity.template, form=form))
    )
    return {
        "uniformity.opening_share": uniformity.opening_share(opening, streams.stream("opening")),
        "uniformity.template_entropy": uniformity.template_entropy(template, streams.stream("template")),
    }


def _labels(found: Measurements, frame: Frame, streams: Streams, settings: Settings) -> Measurements:
    """Agreement in both directions, inner signal, label words, missing classes."""
    assert frame.real.labels is not None and frame.synthetic.labels is not None  # noqa: S101, PT018  (checked by Frame)
    real_codes, codes, names = _coded(frame.real.labels, frame.synthetic.labels)
    real, synthetic = _known(frame, frame.sample(settings.label_sample, frame.unit, streams.stream("sample")))
    unit, group, kin = frame.linked(real, synthetic, found.near)
    encoded = [item.pooled(real, synthetic) for item in found.vectors.values()]
    X = np.hstack(encoded) if encoded else np.empty((0, 0))
    pooled = Pooled(X, np.arange(unit.size) < real.size, unit, group, kin)
    label = np.concatenate([real_codes[real], codes[synthetic]])
    classes = Regions().compare(real_codes, codes, len(names))
    estimates = {"labels.missing_mass": Regions().estimate(classes, np.arange(frame.real.size))}
    probe, evidence, doubted, leaks = LabelProbe(), None, None, None
    if X.size and probe.can_judge(pooled):
        judged, evidence = probe(pooled, label, len(names), streams.stream("probe"))
        estimates |= judged
        doubted = _doubted(found, frame, codes, evidence, real)
    if frame.sides:
        leaks = leaking(frame.synthetic.joined, frame.synthetic.labels)
        real_leaks = leaking(frame.real.joined, frame.real.labels)
        estimates["labels.leak_fraction"] = leak_fraction(leaks, real_leaks, frame.unit)
    return replace(
        found,
        estimates={**found.estimates, **estimates},
        labels=evidence,
        doubted=doubted,
        unknown=unknown_labels(frame),
        leaks=leaks,
        cells={**found.cells, "label": (classes, names)},
    )


def _doubted(found: Measurements, frame: Frame, codes: Ints, evidence: LabelEvidence, real: Ints) -> Flags:
    """Synthetic rows whose label the classifier finds less probable than 98 % of the real ones, and would not give.

    Each row is judged by a classifier that never saw its real row, nor the real row it copies.
    """
    fold_of_real = np.full(frame.real.size + 1, -1, dtype=np.int64)
    fold_of_real[real] = evidence.real_fold
    made_from = np.where(frame.source >= 0, frame.source, found.copied_from)
    linked = np.full(codes.size, -1) if frame.held_out else made_from
    fold = fold_of_real[linked]
    fold = np.where(fold >= 0, fold, np.arange(codes.size) % len(evidence.teachers))

    def doubted(part: slice) -> Flags:
        X = np.hstack([encoded.synthetic[part] for encoded in found.vectors.values()]).astype(np.float64)
        own, agreed = judge(evidence.teachers, X, codes[part], fold[part])
        return (own < evidence.threshold) & ~agreed

    return row_values(doubted, codes.size, np.bool_) & ~unknown_labels(frame)


def unknown_labels(frame: Frame) -> Flags:
    """Synthetic rows whose label no real row has, shape (m,)."""
    known = set(frame.real.labels or ())
    return np.array([label not in known for label in frame.synthetic.labels or ()], dtype=bool)


def _known(frame: Frame, rows: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    """The sample without synthetic rows whose label no real row has: no classifier can judge them."""
    real, synthetic = rows
    return real, synthetic[~unknown_labels(frame)[synthetic]]


def _coded(real: Sequence[str], synthetic: Sequence[str]) -> tuple[Ints, Ints, tuple[str, ...]]:
    names = tuple(sorted({*real, *synthetic}))
    index = {name: i for i, name in enumerate(names)}
    return np.array([index[v] for v in real]), np.array([index[v] for v in synthetic]), names


def _common_opening(frame: Frame, side: str) -> str:
    openings = row_texts(frame.synthetic.texts[side], uniformity.opening)
    names, counts = np.unique(np.array(openings), return_counts=True)
    return uniformity.shared_opening(frame.synthetic.texts[side], str(names[counts.argmax()]))


def bounded(found: Measurements) -> Measurements:
    """The measurements as they are shown: no fraction leaves 0 to 1, and neither does an interval or a range of one."""
    estimates = {name: item.within(0, 1) if item.unit == "share" else item for name, item in found.estimates.items()}
    return replace(found, estimates=estimates)


def _adjusted(found: Measurements) -> Measurements:
    """Holm over all p-values but those that a family adjusted itself."""
    raw = {name: item.p for name, item in found.estimates.items() if item.adjusted_p is None and item.p is not None}
    adjusted = holm(raw)
    estimates = {
        name: item.adjusted(adjusted[name]) if name in adjusted else item for name, item in found.estimates.items()
    }
    return replace(found, estimates=estimates)
