"""``syngain audit``: read, measure, decide. Returns a result that the report can draw."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from syngain._version import __version__
from syngain.audit.audit import Audited, audit_sets
from syngain.audit.findings.verdict import verdict
from syngain.audit.measure import Settings
from syngain.audit.pictures import views
from syngain.core.errors import InputError
from syngain.core.progress import Progress, silent
from syngain.core.result import Result
from syngain.core.rng import Streams
from syngain.data import write_rows
from syngain.workflows.evaluate.gain import quick_gain
from syngain.workflows.inputs import Source, dataset_of, optional_dataset, summaries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from syngain.core.result import Finding
    from syngain.data.dataset import Dataset


@dataclass(frozen=True)
class AuditRun:
    """A result and the datasets it came from, so that kept and dropped rows can be written."""

    result: Result
    synthetic: Dataset
    kept: Sequence[int]


def audit(
    real: Source,
    synthetic: Source,
    *,
    test: Source | None = None,
    pool: Source | None = None,
    seed: int = 0,
    settings: Settings | None = None,
    gain: bool = True,
    progress: Progress = silent,
) -> Result:
    """What is in a synthetic set, what is wrong with it, and which rows to drop.

    Args:
        real: the anchors, as a dataset or a path.
        synthetic: the rows under audit.
        test: rows that must not be in ``synthetic``.
        pool: more real rows, which the generator never saw.
        seed: of every random choice; the same inputs and seed give the same result.
        settings: sample sizes and encoder.
        gain: whether to measure what the set adds, in the quick setting of :func:`syngain.gain`.
        progress: called with the stage and the share done.

    Raises:
        InputError: a file cannot be read, or the sets do not fit each other.
    """
    return audit_run(
        real, synthetic, test=test, pool=pool, seed=seed, settings=settings, gain=gain, progress=progress
    ).result


def audit_run(
    real: Source,
    synthetic: Source,
    *,
    test: Source | None = None,
    pool: Source | None = None,
    seed: int = 0,
    settings: Settings | None = None,
    gain: bool = True,
    progress: Progress = silent,
) -> AuditRun:
    """The audit with its datasets; see :func:`audit`."""
    progress("reading", 0.0)
    anchors = dataset_of(real)
    ours = dataset_of(synthetic, like=anchors)
    others = {"test": optional_dataset(test, anchors), "pool": optional_dataset(pool, anchors)}
    streams = Streams(seed)
    audited = audit_sets(
        anchors,
        ours,
        streams=streams,
        test=others["test"],
        pool=others["pool"],
        settings=settings,
        progress=_until(0.6 if gain else 0.9, progress),
    )
    progress("map", 0.6 if gain else 0.9)
    reference = others["pool"] or anchors
    ids = {"real": reference.ids, "synthetic": ours.ids}
    with threadpool_limits(1):
        drawn = views(audited.frame, audited.found, ids, audited.is_dropped, streams.child("views"))
    measured, unmeasured = None, ""
    if gain:
        kept = [int(row) for row in np.flatnonzero(~audited.is_dropped)]
        try:
            measured = quick_gain(
                anchors, ours, kept, streams=streams.child("gain"), settings=settings, progress=progress
            )
        except InputError as error:  # a set can be audited that no gain can be measured of
            unmeasured = error.came
    result = Result(
        command="audit",
        version=__version__,
        seed=seed,
        inputs=summaries({"real": anchors, "synthetic": ours, **others}),
        estimates=dict(sorted({**audited.found.estimates, **(measured.estimates if measured else {})}.items())),
        series=measured.series if measured else {},
        findings=_joined(audited.findings, measured.findings if measured else ()),
        verdict=verdict(
            audited.findings,
            len(ours),
            len(audited.dropped),
            reasons={name: int(flags.sum()) for name, flags in audited.why.items()},
            enough=audited.enough,
            gain=measured.kept_verdict if measured else None,
            unmeasured=unmeasured,
            tested=others["test"] is not None and measured is not None,
        ),
        dropped=audited.dropped,
        views=replace(
            drawn,
            computed=(
                *_computed(audited, settings or Settings()),
                *(measured.computed if measured else ()),
                *((("Gain", f"Not measured: {unmeasured}."),) if unmeasured else ()),
            ),
            budgets=measured.budgets if measured else (),
        ),
    )
    progress("done", 1.0)
    gone = audited.is_dropped
    return AuditRun(result, ours, [row for row in range(len(ours)) if not gone[row]])


def _joined(found: Sequence[Finding], of_gain: Sequence[Finding]) -> list[Finding]:
    """The findings of the audit, then those of the gain that it does not name already."""
    names = {finding.id for finding in found}
    return [*found, *(finding for finding in of_gain if finding.id not in names)]


def _until(share: float, progress: Progress) -> Progress:
    """The progress of a part that ends at this share of the whole."""
    return lambda stage, done: progress(stage, done * share)


def write_rows_of(run: AuditRun) -> Callable[[Path], None]:
    """A writer of ``kept.jsonl`` and ``dropped.jsonl`` for the run folder; dropped rows carry reasons and score."""

    def write(folder: Path) -> None:
        dropped = run.result.dropped
        write_rows(folder / "kept.jsonl", run.synthetic, run.kept)
        write_rows(
            folder / "dropped.jsonl",
            run.synthetic,
            [row.row for row in dropped],
            {
                "syngain_id": [row.id for row in dropped],
                "syngain_reasons": [list(row.reasons) for row in dropped],
                "syngain_score": [row.score for row in dropped],
            },
        )

    return write


def _computed(audited: Audited, settings: Settings) -> tuple[tuple[str, str], ...]:
    frame = audited.frame
    known = int((frame.source >= 0).sum())
    units = (
        f"{known:,} of {frame.source.size:,} synthetic rows name the anchor they were made from; rows of an anchor "
        "are one unit of resampling and never stand on both sides of a fold."
        if known
        else "The anchors of synthetic rows are not known; folds are grouped by near-duplicate clusters."
    )
    reference = (
        "Real rows to compare with come from the pool, which the generator never saw."
        if frame.held_out
        else "Real rows to compare with are the anchors themselves: a set made from them can only look closer to them "
        "than to fresh real rows. A pool (--pool) removes this doubt."
    )
    vectors = (
        f"Rows become vectors by {settings.encoder or 'hashed word (1-2) and character (3-5) n-grams, TF-IDF, SVD'}, "
        "fitted on pooled rows without saying which are real; a table's columns are standardized or one-hot."
    )
    samples = (
        f"Measures that compare all pairs of rows use a seeded sample of equal numbers, at most {settings.sample:,} "
        f"rows per side ({settings.label_sample:,} for labels), from as many different anchors as possible. "
        "Duplicates, copies, regions, label words and rows to drop use every row."
    )
    significance = (
        "A measure differs from its null when its p-value, adjusted by Holm over all measures of this report, is below "
        ".05. Intervals are for the size of an effect. A finding also needs an effect above a stated minimum."
    )
    drops = "Only reasons that stand as findings lead to a drop; exact repeats of an earlier row are always listed."
    return (
        ("Units", units),
        ("Reference", reference),
        ("Vectors", vectors),
        ("Samples", samples),
        ("Significance", significance),
        ("Rows to drop", drops),
    )
