"""The names of an audit's findings in sentences, and the fix of those for which rows are dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags
    from syngain.core.result import Finding

NAMES: Mapping[str, str] = {
    "duplicates": "repeated rows",
    "memorized_anchors": "copies of real rows",
    "contamination": "test contamination",
    "template_collapse": "a repeated template",
    "missing_regions": "under-represented rows",
    "distribution_shift": "distribution shift",
    "label_leak": "label leakage",
    "label_independent": "labels unrelated to the rows",
    "label_noise": "label noise",
    "unknown_labels": "unknown labels",
    "bad_responses": "bad responses",
    "bad_preferences": "bad preferences",
    "broken_rules": "broken rules",
    "wrong_tails": "wrong tails",
    "changed_relations": "changed relations",
}


def with_fixes(findings: Sequence[Finding], why: Mapping[str, Flags]) -> list[Finding]:
    """The findings, with the rows to drop as their fix; ``why``: rows dropped for each, flags (m,)."""
    return [_with_fix(finding, _dropped(finding.id, why)) for finding in findings]


def _dropped(identifier: str, why: Mapping[str, Flags]) -> int:
    """Rows dropped for a finding; a reason is the id of a finding, or starts with it (``bad_responses: refusal``)."""
    flags = [rows for reason, rows in why.items() if reason.partition(":")[0] == identifier]
    return int(np.any(flags, axis=0).sum()) if flags else 0


def _with_fix(finding: Finding, dropped: int) -> Finding:
    if finding.explained_by:
        causes = " and ".join(NAMES[cause] for cause in finding.explained_by)
        return replace(finding, fix=f"fix {causes} first, its likely cause; then audit again")
    if dropped:
        rest = "; relabel or inspect the rest" if finding.id == "label_noise" and dropped < finding.rows else ""
        which = "the farthest " if finding.id == "distribution_shift" else ""
        return replace(finding, fix=f"drop {which}{dropped:,} rows{rest}")
    return finding
