"""What each finding of an audit leads to and how to fix it: the second and third part of its words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags
    from syngain.core.result import Finding

# finding id to (consequence, fix where no row is dropped for it)
WORDS: Mapping[str, tuple[str, str]] = {
    "duplicates": ("Repeated rows cost training time and overweight their content.", "remove near-duplicates"),
    "memorized_anchors": ("Copies add nothing to your real rows.", "generate again with other prompts"),
    "contamination": ("Scores on this test set would be inflated.", "remove the test rows"),
    "template_collapse": ("A model learns the opening instead of the task.", "vary the prompts and generate again"),
    "missing_regions": ("A model sees too few examples of them.", "generate more rows of these kinds"),
    "distribution_shift": ("A model learns text unlike your real rows.", "inspect the examples; change the prompts"),
    "label_leak": ("A model learns to look for the label's words.", "remove the label from the text"),
    "label_independent": ("A model trained on these labels learns nothing.", "relabel all rows"),
    "label_noise": ("Wrong labels lower accuracy.", "check how labels were assigned, then relabel"),
    "bad_responses": ("A model learns to respond like this.", "inspect the examples; generate these rows again"),
    "unknown_labels": ("A model learns classes that you do not have.", "map these labels to yours"),
}

NAMES: Mapping[str, str] = {
    "duplicates": "near-duplicates",
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
}


def with_fixes(findings: Sequence[Finding], why: Mapping[str, Flags]) -> list[Finding]:
    """The findings with their consequence and fix; ``why``: rows dropped for each, flags (m,)."""
    return [_with_fix(finding, _dropped(finding.id, why)) for finding in findings]


def _dropped(identifier: str, why: Mapping[str, Flags]) -> int:
    """Rows dropped for a finding; a reason is the id of a finding, or starts with it (``bad_responses: refusal``)."""
    flags = [rows for reason, rows in why.items() if reason.partition(":")[0] == identifier]
    return int(np.any(flags, axis=0).sum()) if flags else 0


def _with_fix(finding: Finding, dropped: int) -> Finding:
    consequence, fix = WORDS[finding.id]
    if finding.explained_by:
        causes = " and ".join(NAMES[cause] for cause in finding.explained_by)
        fix = f"fix {causes} first; this finding disappears with it"
    elif dropped:
        rest = "; relabel or inspect the rest" if finding.id == "label_noise" and dropped < finding.rows else ""
        fix = f"drop {dropped:,} rows{rest}"
    return replace(finding, consequence=consequence, fix=fix)
