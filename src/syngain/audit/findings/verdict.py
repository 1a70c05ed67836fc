"""The verdict of an audit: what to do, from the findings and the measured gain; without a gain never ``use``."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from syngain.audit.findings.words import NAMES
from syngain.audit.preference.kinds import KINDS as PREFERENCES
from syngain.audit.responses.kinds import KINDS
from syngain.core.result import FEW_ROWS, Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST = 0.5  # a high finding on this fraction of the rows condemns the dataset
WORTH_DROPPING = 0.01
UNFIXED = frozenset({"bad_responses", "bad_preferences"})  # a high one is never `use`, whatever the gain is
AGAIN = "syngain audit REAL SYNTHETIC"
MEASURE = "syngain gain REAL kept.jsonl --test TEST"

# what a finding means for the whole dataset: "do not train on it: {phrase}"
PHRASE: Mapping[str, str] = {
    "label_independent": "its labels do not depend on its rows",
    "label_leak": "most rows contain their own label",
    "label_noise": "too many labels are wrong",
    "memorized_anchors": "most rows copy your real rows",
    "contamination": "most rows are test or benchmark rows",
    "duplicates": "most rows repeat each other",
    "template_collapse": "most rows share one opening",
    "distribution_shift": "most rows are out of distribution",
    "unknown_labels": "most rows have labels that you do not have",
    "bad_responses": "most responses are bad",
    "bad_preferences": "most preferences are bad",
    "broken_rules": "most rows break rules of your real rows",
    "wrong_tails": "most rows have values far beyond your real rows",
    "changed_relations": "its columns are not related as in your real rows",
}

WORDS: Mapping[str, str] = {
    "contamination": "test rows",
    "memorized_anchors": "copies of real rows",
    "duplicates": "repeats",
    "label_leak": "leaked labels",
    "label_noise": "suspect labels",
    "distribution_shift": "out of distribution",
    "wrong_tails": "values far beyond the real ones",
    **{f"bad_responses: {name}": kind.many for name, kind in KINDS.items()},
    **{f"bad_preferences: {name}": kind.many for name, kind in PREFERENCES.items()},
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

    @property
    def kept(self) -> int:
        """Responses that are not dropped."""
        return self.rows - self.dropped

    @property
    def worth_dropping(self) -> bool:
        """Whether enough rows are dropped to say so first, and any is left."""
        return self.dropped >= WORTH_DROPPING * self.rows and self.kept > 0


def verdict(
    findings: Sequence[Finding],
    counts: RowCounts,
    *,
    enough: bool = True,
    gain: Verdict | None = None,
    unmeasured: str = "",
) -> Verdict:
    """The verdict on a synthetic dataset.

    Args:
        findings: those of the audit.
        counts: rows and rows to drop.
        enough: whether both sides have enough rows to compare.
        gain: the verdict of the measured gain of the rows that are kept; None when it was not measured.
        unmeasured: why it was not.
    """
    standing = [f for f in findings if f.severity == "high" and not f.explained_by]
    condemning = [f for f in standing if f.id in PHRASE and f.rows >= MOST * counts.rows]
    if condemning:
        return _condemned(condemning, [f for f in standing if f not in condemning], gain)
    if not enough:
        return Verdict(
            decision="cannot_tell",
            sentence="Inconclusive: fewer than 20 rows on one side.",
            action="Add rows: a comparison needs at least 20 per side.",
            needs=FEW_ROWS,
            next_command=AGAIN,
        )
    ending = _ending(standing, counts)
    if gain is None:
        return _unmeasured(findings, standing, counts, ending, f" ({unmeasured})" if unmeasured else "")
    if counts.worth_dropping:
        return _dropped_first(counts, gain, ending)
    return _with_findings(gain, standing, ending)


def _condemned(condemning: Sequence[Finding], others: Sequence[Finding], gain: Verdict | None) -> Verdict:
    """A finding on most rows: nothing of the dataset is recommended, whatever the gain is."""
    reason = "; ".join(PHRASE[finding_id] for finding_id in dict.fromkeys(f.id for f in condemning))
    also = f" Also found: {_names(others)}." if others else ""
    action = f"Do not train on this dataset as it is: {reason}."
    return Verdict(
        decision="do_not_use",
        sentence=f"{action}{also}{f' Gain of the rest: {_lower(gain.sentence)}' if gain else ''}",
        rows_to_use=0,
        action=action,
        estimate=gain.estimate if gain else "",
        next_command=f"syngain explain RUN {condemning[0].id}",
    )


def _unmeasured(
    findings: Sequence[Finding], standing: Sequence[Finding], counts: RowCounts, ending: str, why: str
) -> Verdict:
    """No gain: rows to drop where there are some, never a recommendation."""
    if counts.worth_dropping:
        action = f"Drop {counts.dropped:,} of {counts.rows:,} rows; the gain of the rest was not measured."
        lead = f"Drop {counts.dropped:,} of {counts.rows:,} rows ({_reasons(counts)})."
        sentence = f"{lead} The gain of the other {counts.kept:,} was not measured{why}.{ending}"
        return Verdict(
            decision="use_subset",
            sentence=sentence,
            rows_to_use=counts.kept,
            action=action,
            next_command=MEASURE,
        )
    medium = [f for f in findings if f.severity == "medium" and not f.explained_by]
    if standing:
        action = f"Fix first: {_names(standing)}."
    else:
        action = f"Inspect first: {_names(medium)}." if medium else "No defect found; the gain was not measured."
    return Verdict(
        decision="cannot_tell",
        sentence=f"Inconclusive: the gain was not measured{why}. {action}{ending}",
        action=action,
        needs="a measured gain",
        next_command="syngain gain REAL SYNTHETIC --test TEST",
    )


def _dropped_first(counts: RowCounts, gain: Verdict, ending: str) -> Verdict:
    """Responses to drop, then the gain of the others."""
    drop = f"Drop {counts.dropped:,} of {counts.rows:,} rows"
    rows = gain.rows_to_use
    action = {
        "use": f"{drop} and use the other {counts.kept:,}.",
        "use_subset": f"{drop} and use {rows or 0:,} of the rest.",
        "do_not_use": f"Do not use it: even without {counts.dropped:,} bad rows, {_reason(gain.action)}",
        "cannot_tell": f"{drop}; the gain of the rest is unclear.",
    }[gain.decision]
    words = f"{drop} ({_reasons(counts)}). After that, {_lower(gain.sentence)}{ending}"
    decision = "use_subset" if gain.decision == "use" else gain.decision
    return replace(
        gain,
        decision=decision,
        sentence=words,
        action=action,
        next_command=gain.next_command.replace("SYNTHETIC", "kept.jsonl"),
    )


def _with_findings(gain: Verdict, standing: Sequence[Finding], ending: str) -> Verdict:
    """The measured gain, and what else was found."""
    others = [finding for finding in standing if finding.id not in {"harm", "missing_regions"}]
    unfixed = [finding for finding in standing if finding.id in UNFIXED]
    if unfixed and gain.decision in {"use", "use_subset"}:
        action = f"Fix first: {_names(unfixed)}."
        return replace(gain, decision="cannot_tell", sentence=f"{action} {gain.sentence}{ending}", action=action)
    also = f" Also found: {_names(others)}." if others else ""
    return replace(gain, sentence=f"{gain.sentence}{also}{ending}")


def _ending(standing: Sequence[Finding], counts: RowCounts) -> str:
    """Defects that dropping rows does not remove."""
    out = ""
    noise = next((f for f in standing if f.id == "label_noise"), None)
    unnamed = noise.rows - counts.reasons.get("label_noise", 0) if noise else 0
    if unnamed > WORTH_DROPPING * counts.rows:
        out += f" About {unnamed:,} more labels look wrong; their rows are not known."
    pairs = next((f for f in standing if f.id == "bad_preferences"), None)
    named = sum(count for reason, count in counts.reasons.items() if reason.startswith("bad_preferences"))
    if pairs and pairs.rows - named > WORTH_DROPPING * counts.rows:
        out += f" About {pairs.rows - named:,} more pairs look swapped; their rows are not known."
    if any(f.id == "missing_regions" for f in standing):
        out += " Some kinds of your real rows are under-represented."
    return out


def _reasons(counts: RowCounts) -> str:
    several = "; some for two reasons" if sum(counts.reasons.values()) > counts.dropped else ""
    return ", ".join(f"{_words(name)} {count:,}" for name, count in counts.reasons.items() if count) + several


def _words(reason: str) -> str:
    """The rows of a reason, as a noun; a benchmark and a rule are named."""
    name, _, part = reason.partition(": ")
    return WORDS.get(reason) or f"{'against' if name == 'broken_rules' else 'rows of'} {part}"


def _reason(action: str) -> str:
    """The reason of a refusal: what follows the colon of its action."""
    return action.partition(": ")[2] or "the gain is not significant."


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _names(findings: Sequence[Finding]) -> str:
    return ", ".join(dict.fromkeys(NAMES.get(f.id, f.id.replace("_", " ")) for f in findings))
