"""Findings about labels: leaked into the text, unrelated to it, wrong, or absent from the real rows."""

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
    """The label appears in the text more often than in real rows."""
    item, leaks = context.estimate("labels.leak_fraction"), context.found.leaks
    if item is None or leaks is None or not context.significant("labels.leak_fraction"):
        return
    severity = MINIMUM["label_leak"].severity(item.interval(0.95)[0] - item.references["real"])
    if severity is None:
        return
    message = (
        f"{percent(item.value)} of rows contain their own label in words; real rows: "
        f"{percent(item.references['real'])}."
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
        message=f"Labels do not depend on the rows: Cohen's kappa {item.value:.2f}, "
        f"real rows {evidence.real_signal:.2f}.",
        estimates=("labels.inner_signal", "labels.real_recovery"),
        rows=context.frame.synthetic.size,
    )


def label_noise(context: Context) -> Iterator[Finding]:
    """A classifier trained on real rows disagrees with more labels than its confidence predicts."""
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
        severity = "medium"  # the labels are coherent and predict real ones: perhaps a shift
    agreement = context.found.estimates["labels.synthetic_agreement"]
    rows = np.flatnonzero(doubted)
    yield Finding(
        id="label_noise",
        severity=severity,
        message=f"About {percent(min(max(value, 0), 1))} of labels look wrong: agreement with a classifier trained on "
        f"real rows {percent(agreement.value)}, expected {percent(evidence.expected_agreement)}; "
        f"{rows.size:,} rows flagged.",
        evidence=context.evidence(rows.tolist()),
        examples=tuple(labeled(context, int(row)) for row in rows[:EXAMPLES]),
        estimates=("labels.synthetic_agreement", "labels.real_recovery", "labels.inner_signal"),
        rows=max(rows.size, round(min(max(value, 0.0), 1.0) * context.frame.synthetic.size)),
        flagged=context.positions(rows),
    )


def _contradiction(context: Context, expected: float) -> Finding:
    """Agreement below chance: the labels have another meaning."""
    agreement = context.found.estimates["labels.synthetic_agreement"]
    return Finding(
        id="label_noise",
        severity="medium",
        message="Labels contradict a classifier trained on real rows: agreement "
        f"{percent(agreement.value)}, below chance, expected {percent(expected)}. "
        "The label names may be swapped, or the rows altered to mislead a classifier.",
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
        message=f"{percent(share)} of rows have a label that no real row has: {listed}"
        f"{' …' if len(names) > 5 else ''}.",
        estimates=(),
    )


def _second_witness(context: Context) -> bool:
    """Whether noise also lowers the signal inside the synthetic rows, or the accuracy on real rows."""
    for name in ("labels.inner_signal", "labels.real_recovery"):
        item = context.found.estimates[name]
        if context.significant(name) and item.value < item.references["real"]:
            return True
    return False
