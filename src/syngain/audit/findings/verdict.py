"""One decision and one sentence, from findings and the measured gain; without a gain it is never ``use``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syngain.core.result import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST = 0.5  # a high finding on this share of the rows condemns the set
WORTH_DROPPING = 0.01

# what a finding means, for a sentence: "do not train on it: {phrase}"
PHRASE: Mapping[str, str] = {
    "label_independent": "its labels do not depend on its rows",
    "label_leak": "most of its rows say their own label in words",
    "label_noise": "too many of its labels are wrong",
    "memorized_anchors": "most of its rows copy rows you already have",
    "contamination": "most of its rows are test rows",
    "duplicates": "most of its rows repeat each other",
    "template_collapse": "its rows all begin alike",
    "distribution_shift": "most of its rows are not from your domain",
    "unknown_labels": "most of its rows have labels that you do not have",
}


ON_TEST = " This is from the anchors alone: on your test, `syngain gain REAL SYNTHETIC --test TEST` measures it."

WORDS: Mapping[str, str] = {
    "contamination": "test rows",
    "memorized_anchors": "copies of anchors",
    "duplicates": "repeats",
    "label_leak": "labels written into the text",
    "label_noise": "doubtful labels",
    "distribution_shift": "rows from elsewhere",
}


@dataclass(frozen=True, slots=True)
class RowCounts:
    """The rows of a synthetic dataset.

    Attributes:
        rows: how many. dropped: of them advised against. reasons: rows to drop by reason, in the order of the sentence.
    """

    rows: int
    dropped: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)


def verdict(
    findings: Sequence[Finding],
    counts: RowCounts,
    *,
    enough: bool = True,
    gain: Verdict | None = None,
    unmeasured: str = "",
    tested: bool = False,
) -> Verdict:
    """The verdict on a synthetic dataset.

    ``enough``: whether both sets had enough rows to compare.
    ``gain``: the verdict of the measured gain on the rows that are not dropped; None when it was not measured,
    ``unmeasured`` saying why. ``tested``: whether there is a test on which the gain could be measured.
    """
    rows, dropped, reasons = counts.rows, counts.dropped, counts.reasons
    standing = [f for f in findings if f.severity == "high" and not f.explained_by]
    condemning = [f for f in standing if f.id in PHRASE and f.rows >= MOST * rows]
    if condemning:
        reason = "; ".join(PHRASE[finding_id] for finding_id in dict.fromkeys(f.id for f in condemning))
        others = [f for f in standing if f not in condemning]
        also = f" Also found: {_names(others)}." if others else ""
        sentence = f"Do not train on this set as it is: {reason}.{also}"
        return Verdict(decision="do_not_use", sentence=sentence, rows_to_use=0)
    if not enough:
        return Verdict(
            decision="cannot_tell", sentence="Cannot tell: fewer than 20 rows on one side are too few to compare."
        )
    kept, ending = rows - dropped, _ending(standing, rows, reasons) + (ON_TEST if tested else "")
    why_not = f" ({unmeasured})" if unmeasured else ""
    if dropped >= WORTH_DROPPING * rows and kept > 0:
        why = ", ".join(WORDS[name] for name in reasons)
        sentence = f"Drop {dropped:,} of {rows:,} rows ({why}) before training"
        if gain is not None:
            return _dropped_first(sentence, kept, gain, ending)
        sentence += f"; whether the other {kept:,} help was not measured{why_not}.{ending}"
        return Verdict(decision="use_subset", sentence=sentence, rows_to_use=kept)
    if gain is not None:
        return _with_findings(gain, standing, ending)
    lead = _lead(standing, [f for f in findings if f.severity == "medium" and not f.explained_by])
    sentence = f"Cannot tell whether it helps: benefit not measured{why_not}; {lead}.{ending}"
    return Verdict(decision="cannot_tell", sentence=sentence)


def _dropped_first(sentence: str, kept: int, gain: Verdict, ending: str) -> Verdict:
    """Rows to drop, then what the others do."""
    words = f"{sentence}. The other {kept:,}: {gain.sentence[:1].lower()}{gain.sentence[1:]}{ending}"
    decision = "use_subset" if gain.decision == "use" else gain.decision
    return Verdict(decision=decision, sentence=words, rows_to_use=gain.rows_to_use)


def _with_findings(gain: Verdict, standing: Sequence[Finding], ending: str) -> Verdict:
    """The measured gain, and what was found beside it."""
    others = [finding for finding in standing if finding.id not in {"harm", "missing_regions"}]
    also = f" Also found: {_names(others)}." if others else ""
    return Verdict(decision=gain.decision, sentence=f"{gain.sentence}{also}{ending}", rows_to_use=gain.rows_to_use)


def _ending(standing: Sequence[Finding], rows: int, reasons: Mapping[str, int]) -> str:
    """What dropping rows does not mend."""
    out = ""
    noise = next((f for f in standing if f.id == "label_noise"), None)
    unnamed = noise.rows - reasons.get("label_noise", 0) if noise else 0
    if unnamed > WORTH_DROPPING * rows:
        out += f" About {unnamed:,} more labels look wrong and cannot be named."
    if any(f.id == "missing_regions" for f in standing):
        out += " It leaves parts of your real data without any row."
    return out


def _lead(high: Sequence[Finding], medium: Sequence[Finding]) -> str:
    if high:
        return f"first mend what was found: {_names(high)}"
    return f"look at what was found first: {_names(medium)}" if medium else "no defect was found that forbids training"


def _names(findings: Sequence[Finding]) -> str:
    return ", ".join(dict.fromkeys(f.id.replace("_", " ") for f in findings))
