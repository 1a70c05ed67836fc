"""Which finding is the cause of which: measured again without the rows, or the marginal, of the cause.

A finding that disappears then is at most medium and carries ``explained_by``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.findings.broken_rules import rule_reasons
from syngain.audit.findings.preferences import preference_reasons
from syngain.audit.findings.responses import response_reasons
from syngain.audit.findings.rows import find
from syngain.audit.measure import FEWEST, measured
from syngain.core.result import SEVERITIES
from syngain.data.text.words import unspaced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.findings.rules import Context
    from syngain.audit.frame import Frame
    from syngain.audit.measure import Measurements, Settings
    from syngain.core.arrays import Flags
    from syngain.core.result import Finding
    from syngain.core.rng import Streams

# what each finding can bring about; the first cause that explains an effect wins
EFFECTS: Mapping[str, frozenset[str]] = {
    "bad_responses": frozenset({"template_collapse", "distribution_shift", "missing_regions"}),
    "bad_preferences": frozenset({"template_collapse", "distribution_shift", "missing_regions"}),
    "broken_rules": frozenset({"distribution_shift", "missing_regions", "label_noise"}),
    "template_collapse": frozenset({"distribution_shift", "missing_regions", "label_noise", "label_independent"}),
    "memorized_anchors": frozenset({"duplicates"}),
    "contamination": frozenset({"duplicates", "memorized_anchors"}),
    "distribution_shift": frozenset({"missing_regions", "label_noise", "label_independent", "label_leak"}),
    "duplicates": frozenset({"missing_regions", "distribution_shift", "template_collapse"}),
    "missing_regions": frozenset({"distribution_shift"}),
    "label_independent": frozenset({"label_noise"}),
}
MOSTLY = 0.5  # with fewer rows inside the anchors' support, nothing else can be judged


@dataclass(frozen=True, slots=True)
class Explainer:
    """Measures again with a cause removed."""

    context: Context
    streams: Streams
    settings: Settings

    def __call__(self, findings: Sequence[Finding]) -> list[Finding]:
        """The findings with ``explained_by`` filled in; only high ones are worth the second look."""
        current = list(findings)
        for cause, effects in EFFECTS.items():
            if not any(finding.id == cause and self._is_cause(finding) for finding in current):
                continue
            if not any(finding.id in effects and _is_open(finding) for finding in current):
                continue
            remaining = self._without(cause)
            current = [
                replace(finding, severity="medium", explained_by=(cause,))
                if finding.id in effects and _is_open(finding) and (remaining is None or finding.id not in remaining)
                else finding
                for finding in current
            ]
        severity = {finding.id: finding.severity for finding in current}

        def rank(finding: Finding) -> tuple[int, bool]:  # a cause comes before its effects
            return SEVERITIES.index(finding.severity), finding.severity in map(severity.get, finding.explained_by)

        return sorted(current, key=rank)

    def _is_cause(self, finding: Finding) -> bool:
        """High findings; shared openings of characters at medium as well, since they separate more rows than words."""
        if finding.id == "template_collapse" and finding.severity == "medium":
            return any(map(unspaced, self.context.found.openings.values()))
        return _is_open(finding)

    def _without(self, cause: str) -> set[str] | None:
        """Ids that are still high without the cause; None when too little is left to tell."""
        if cause == "label_independent":
            return set()  # labels that depend on nothing are noise by definition
        frame = self._reduced(cause)
        if frame is None:
            return None
        found = measured(frame, self.streams.child("without", cause), self.settings, responses=False)
        context = replace(self.context, frame=frame, found=found)
        return {finding.id for finding in find(context) if finding.severity == "high"}

    def _reduced(self, cause: str) -> Frame | None:
        frame, found = self.context.frame, self.context.found
        if cause == "template_collapse":
            for side, words in found.openings.items():
                frame = frame.without_opening(side, words)
            return frame
        if cause == "missing_regions":
            return self._within_reach()
        removed = {
            "bad_responses": _any_bad(found, response_reasons(found.responses)),
            "bad_preferences": _any_bad(found, preference_reasons(found.preferences)),
            "broken_rules": _any_bad(found, rule_reasons(found.table)),
            "memorized_anchors": found.copies,
            "contamination": _contaminated(found),
            "duplicates": found.near_repeats,
            "distribution_shift": np.any([scores.outside for scores in found.scores.values()], axis=0),
        }[cause]
        rows = np.flatnonzero(~removed) if removed is not None else np.arange(frame.synthetic.size)
        least = MOSTLY if cause == "distribution_shift" else 0.05
        if rows.size < max(FEWEST, least * frame.synthetic.size):
            return None
        return frame.take(rows)

    def _within_reach(self) -> Frame | None:
        """Only real rows of cells that somebody reaches."""
        frame = self.context.frame
        lost = np.zeros(frame.real.size, dtype=bool)
        for cells, _ in self.context.found.cells.values():
            lost |= np.isin(cells.real, cells.missing)
        rows = np.flatnonzero(~lost)
        if rows.size < FEWEST:
            return None
        return frame.take_real(rows)


def _is_open(finding: Finding) -> bool:
    return finding.severity == "high" and not finding.explained_by


def _any_bad(found: Measurements, why: Mapping[str, Flags]) -> Flags:
    """Rows of any kind that is dropped, shape (m,)."""
    flags: Flags = np.any([np.zeros(found.repeats.size, dtype=bool), *why.values()], axis=0)
    return flags


def _contaminated(found: Measurements) -> Flags:
    """Rows of the test set or of a benchmark, shape (m,)."""
    known = [found.contaminated, None if found.benchmarks is None else found.benchmarks.flags]
    flags: Flags = np.any(
        [np.zeros(found.repeats.size, dtype=bool), *(item for item in known if item is not None)], axis=0
    )
    return flags
