"""Methods of an audit, for its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syngain.audit.frame import Frame
    from syngain.audit.measure import Settings


def methods(frame: Frame, settings: Settings, unmeasured: str = "") -> tuple[tuple[str, str], ...]:
    """Heading and paragraph pairs: how it was measured, and why a gain is missing."""
    known = int((frame.source >= 0).sum())
    units = (
        f"{known:,} of {frame.source.size:,} synthetic rows name the real row they were made from. Rows of one "
        "real row are one unit of resampling and lie on one side of each fold."
        if known
        else "The real row behind each synthetic row is unknown; folds are grouped by near-duplicate clusters."
    )
    reference = (
        "Expected ranges come from the held-out real rows, which the generator never saw."
        if frame.held_out
        else "Expected ranges come from the real rows themselves. Synthetic rows made from them can only look closer "
        "to them than to fresh real rows. Held-out real rows (--held-out) remove this bias."
    )
    vectors = (
        f"Rows are embedded by {settings.encoder or 'hashed word (1-2) and character (3-5) n-grams, TF-IDF, SVD'}, "
        "fitted on all rows without the information which are real; a table's columns are standardized or one-hot."
    )
    samples = (
        f"Measures that compare all pairs of rows use a seeded sample of equal numbers, at most {settings.sample:,} "
        f"rows per side ({settings.label_sample:,} for labels), from as many different real rows as possible. "
        "Duplicates, copies, clusters, label words and rows to drop use every row."
    )
    significance = (
        "A measure is outside its expected range when its p-value is below .05, adjusted by Holm over all measures of "
        "this report. Intervals show the size of an effect. A finding also needs an effect above a stated minimum."
    )
    drops = "Rows are dropped only for reasons that are findings; exact repeats of an earlier row are always dropped."
    return (
        ("Units", units),
        ("Expected ranges", reference),
        ("Embeddings", vectors),
        ("Samples", samples),
        ("Significance", significance),
        ("Rows to drop", drops),
        *((("Gain", f"Not measured: {unmeasured}."),) if unmeasured else ()),
    )
