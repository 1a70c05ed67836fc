"""Which rows to drop and why: only for reasons that stand as findings, and repeats unless real rows repeat too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.findings.broken_rules import ID as BROKEN_RULES
from syngain.audit.findings.broken_rules import rule_reasons
from syngain.audit.findings.preferences import ID as BAD_PREFERENCES
from syngain.audit.findings.preferences import preference_reasons
from syngain.audit.findings.responses import ID as BAD_RESPONSES
from syngain.audit.findings.responses import response_reasons
from syngain.audit.findings.rows import BENCHMARKS
from syngain.audit.findings.rules import AWAY
from syngain.audit.findings.tails import ID as WRONG_TAILS
from syngain.core.phrases import shortened
from syngain.core.result import Dropped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.frame import Frame
    from syngain.audit.measure import Measurements
    from syngain.core.arrays import Flags
    from syngain.core.result import Finding

# how much a reason weighs in the order of the list
WEIGHT = {
    "contamination": 1.0,
    "memorized_anchors": 0.9,
    "bad_responses": 0.85,
    "bad_preferences": 0.84,
    "broken_rules": 0.82,
    "wrong_tails": 0.81,
    "duplicates": 0.8,
    "label_leak": 0.7,
    "label_noise": 0.6,
    "distribution_shift": 0.5,
    "template_collapse": 0.4,
}


def reasons(found: Measurements, findings: Sequence[Finding]) -> Mapping[str, Flags]:
    """Reason to flags per synthetic row (m,), for findings of medium or high severity that explain themselves."""
    standing = {
        finding.id
        for finding in findings
        if finding.severity in {"high", "medium"} and finding.rows and not finding.explained_by
    }
    measured = {name for finding in findings if finding.id in standing for name in finding.estimates}
    everything: dict[str, Flags | None] = {
        "contamination": found.contaminated,
        "memorized_anchors": found.copies,
        "label_leak": found.leaks,
        "label_noise": found.doubted,
    }
    out = {name: flags for name, flags in everything.items() if name in standing and flags is not None}
    if "contamination.test_fraction" not in measured:
        out.pop("contamination", None)
    if BENCHMARKS in measured and found.benchmarks is not None:
        out |= {f"contamination: {name}": flags for name, flags in found.benchmarks.by_name.items()}
    sides = [side for side in found.scores if _shifted(side, found, findings)]
    if sides:
        out["distribution_shift"] = np.any([found.scores[side].far for side in sides], axis=0)
    if BAD_RESPONSES in standing:
        out |= response_reasons(found.responses)
    if BAD_PREFERENCES in standing:
        out |= preference_reasons(found.preferences)
    if BROKEN_RULES in standing:
        out |= rule_reasons(found.table)
    invented = None if found.table is None else found.table.tails.to_drop
    if WRONG_TAILS in standing and invented is not None:
        out[WRONG_TAILS] = invented
    if "duplicates" in {finding.id for finding in findings}:
        out["duplicates"] = found.near_repeats
    elif not found.habit:
        out["duplicates"] = found.repeats
    return {name: flags for name, flags in out.items() if flags.any()}


def _shifted(side: str, found: Measurements, findings: Sequence[Finding]) -> bool:
    """Whether a standing finding says that this side holds more rows from elsewhere than real rows show."""
    for finding in findings:
        if finding.id != "distribution_shift" or finding.severity == "low" or finding.explained_by:
            continue
        off = finding.estimates[-1]
        if off.partition("@")[2] in {"", side}:
            item = found.estimates[off]
            return item.interval(0.95)[0] - item.references["real"] >= AWAY
    return False


def dropped_rows(frame: Frame, ids: Sequence[str], why: Mapping[str, Flags]) -> list[Dropped]:
    """The rows with their reasons, the gravest first."""
    score = np.zeros(frame.synthetic.size)
    for name, flags in why.items():
        score += _weight(name) * flags
    rows = np.flatnonzero(score)
    ordered = rows[np.argsort(-score[rows], kind="stable")]
    names = sorted(why, key=lambda name: -_weight(name))
    labels = frame.synthetic.labels
    return [
        Dropped(
            row=int(frame.rows[row]),
            id=ids[int(frame.rows[row])],
            text=shortened(frame.synthetic.joined[row], 400),
            label=None if labels is None else labels[row],
            reasons=tuple(name for name in names if why[name][row]),
            score=round(float(score[row]), 3),
        )
        for row in ordered.tolist()
    ]


def _weight(reason: str) -> float:
    """The weight of a reason: of the finding before its colon."""
    return WEIGHT[reason.partition(":")[0]]
