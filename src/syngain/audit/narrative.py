"""What a report of an audit says of its methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syngain.audit.frame import Frame
    from syngain.audit.measure import Settings


def methods(frame: Frame, settings: Settings, unmeasured: str = "") -> tuple[tuple[str, str], ...]:
    """Heading and paragraph pairs: how it was measured, and why there is no gain where it could not be measured."""
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
        *((("Gain", f"Not measured: {unmeasured}."),) if unmeasured else ()),
    )
