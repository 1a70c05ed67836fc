"""Findings about labels: written into the text, independent of it, wrong, or unknown to the real rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.findings.rules import EXAMPLES, INDEPENDENT, MINIMUM, UNKNOWN, Context, labeled, of_rows
from syngain.core.phrases import percent, shortened
from syngain.core.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator


def label_leak(context: Context) -> Iterator[Finding]:
    """The label stands in the text more often than in real rows."""
    item, leaks = context.estimate("labels.leak_fraction"), context.found.leaks
    if item is None or leaks is None or not context.significant("labels.leak_fraction"):
        return
    severity = MINIMUM["label_leak"].severity(item.interval(0.95)[0] - item.references["real"])
    if severity is None:
        return
    message = (
        f"{percent(item.value)} of the rows say their own label in words; of the real rows "
        f"{percent(item.references['real'])} do. A model learns to look for the word."
    )
    yield of_rows(context, "label_leak", severity, leaks, message, item_id="labels.leak_fraction")


def label_independent(context: Context) -> Iterator[Finding]:
    """Labels do not follow the text at all."""
    item, evidence = context.estimate("labels.inner_signal"), context.found.labels
    if item is None or evidence is None or not context.significant("labels.inner_signal"):
        return
    least = evidence.real_signal - 1.96 * evidence.real_signal_error
    if least < 0.1 or item.interval(0.95)[1] > max(INDEPENDENT * least, 0.0):
        return
    yield Finding(
        id="label_independent",
        severity="high",
        message=f"Inside the synthetic set the label does not depend on the row: kappa {item.value:.2f} "
        f"where the real rows show {evidence.real_signal:.2f}.",
        estimates=("labels.inner_signal", "labels.real_recovery"),
        rows=context.frame.synthetic.size,
    )


def label_noise(context: Context) -> Iterator[Finding]:
    """More labels look wrong than a teacher's confidence promises."""
    evidence, doubted = context.found.labels, context.found.doubted
    if evidence is None or doubted is None or not context.significant("labels.synthetic_agreement"):
        return
    value, low, _ = evidence.noise
    severity = MINIMUM["label_noise"].severity(low)
    if severity is None:
        return
    if low > 1 - evidence.chance:
        yield _contradiction(context, evidence.expected_agreement)
        return
    if severity == "high" and not _second_witness(context):
        severity = "medium"  # teachers disagree, but the set is coherent and teaches real rows: a shift, perhaps
    agreement = context.found.estimates["labels.synthetic_agreement"]
    rows = np.flatnonzero(doubted)
    yield Finding(
        id="label_noise",
        severity=severity,
        message=f"About {percent(min(max(value, 0), 1))} of the labels look wrong: a teacher trained on the real rows "
        f"agrees with {percent(agreement.value)} of them, where its confidence promises "
        f"{percent(evidence.expected_agreement)}; {rows.size:,} rows can be named.",
        evidence=context.evidence(rows.tolist()),
        examples=tuple(labeled(context, int(row)) for row in rows[:EXAMPLES]),
        estimates=("labels.synthetic_agreement", "labels.real_recovery", "labels.inner_signal"),
        rows=max(rows.size, round(min(max(value, 0.0), 1.0) * context.frame.synthetic.size)),
    )


def _contradiction(context: Context, expected: float) -> Finding:
    """Less agreement than labels drawn at random would have: not noise, but another meaning of the labels."""
    agreement = context.found.estimates["labels.synthetic_agreement"]
    return Finding(
        id="label_noise",
        severity="medium",
        message="The labels contradict a teacher trained on the real rows: it agrees with "
        f"{percent(agreement.value)} of them, less than by chance, where its confidence promises {percent(expected)}. "
        "Either the labels mean something else here (swapped names?), or the rows were changed so that what a teacher "
        "looks at misleads it.",
        estimates=("labels.synthetic_agreement", "labels.real_recovery"),
        rows=0,
    )


def unknown_labels(context: Context) -> Iterator[Finding]:
    """Labels that no real row has."""
    unknown = context.found.unknown
    if unknown is None or not unknown.any():
        return
    labels = context.frame.synthetic.labels or ()
    names = sorted({labels[row] for row in np.flatnonzero(unknown).tolist()})
    share = float(unknown.mean())
    listed = ", ".join(repr(shortened(name, 40)) for name in names[:5])
    yield replace(
        of_rows(context, "unknown_labels", UNKNOWN.severity(share) or "low", unknown, "", item_id=""),
        message=f"{percent(share)} of the rows have a label that no real row has: {listed}"
        f"{' …' if len(names) > 5 else ''}. A model would learn classes that you do not have.",
        estimates=(),
    )


def _second_witness(context: Context) -> bool:
    """Noise also lowers the signal inside the set, or what the set teaches about real rows."""
    for name in ("labels.inner_signal", "labels.real_recovery"):
        item = context.found.estimates[name]
        if context.significant(name) and item.value < item.references["real"]:
            return True
    return False
