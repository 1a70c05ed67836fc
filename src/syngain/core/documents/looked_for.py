"""Which findings a run looks for: known from its command and from what it measured.

A finding that was not looked for is not absent: a gate on it is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.finding_words import FINDING_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# finding id to the beginnings of the estimates that carry it
AUDITED: Mapping[str, tuple[str, ...]] = {
    "duplicates": ("duplicates.",),
    "memorized_anchors": ("novelty.copy_fraction", "novelty.distance_ratio"),
    "contamination": ("contamination.",),
    "template_collapse": ("uniformity.opening_share",),
    "missing_regions": ("fidelity.missing_mass", "labels.missing_mass"),
    "distribution_shift": ("divergence.tv_lower",),
    "label_leak": ("labels.leak_fraction",),
    "label_independent": ("labels.inner_signal",),
    "label_noise": ("labels.synthetic_agreement", "targets."),
    "unknown_labels": ("labels.",),
    "bad_responses": ("responses.",),
    "bad_preferences": ("preference.",),
    "broken_rules": ("rules.",),
    "wrong_tails": ("tails.",),
    "changed_relations": ("relations.",),
}
GAINED: Mapping[str, tuple[str, ...]] = {"harm": ("gain.",), "no_gain": ("gain.",)}
BY_ESTIMATE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "audit": {**AUDITED, **GAINED},
    "demo": {**AUDITED, **GAINED},
    "compare": AUDITED,
    "gain": GAINED,
    "ggmi": GAINED,
    "train": {**GAINED, "pattern_overfitting": ("repair.",), "forgetting": ("retain.",)},
}
"""Commands whose findings rest on estimates."""
ALWAYS: Mapping[str, tuple[str, ...]] = {
    "mix": ("duplicates", "memorized_anchors", "template_collapse", "missing_regions", "distribution_shift"),
    "information": (
        "cut_outputs", "kept_only", "raw_log_probabilities", "selected_outputs", "saturated", "no_end_token",
    ),
    "stress": ("weak_regime",),
    "train": ("limited_run",),
}  # fmt: skip
"""Commands that look for findings whatever they measure."""
AGAINST_TEST = frozenset({"gain", "select", "compare", "train"})  # a test set is compared with the synthetic rows


def looked_for(command: str, estimates: Iterable[str], inputs: Iterable[str], found: Iterable[str] = ()) -> list[str]:
    """The ids of the findings that a run looks for, in the order of the contract.

    Args:
        command: its name.
        estimates: ids of what it measured, those of its sets as well.
        inputs: names of what it read.
        found: ids of what it found.
    """
    names, ids = tuple(estimates), set(found)
    carried = BY_ESTIMATE.get(command, {})
    ids |= {name for name, starts in carried.items() if any(one.startswith(starts) for one in names)}
    if command in AGAINST_TEST and "test" in inputs:
        ids.add("contamination")
    ids |= set(ALWAYS.get(command, ()))
    return [name for name in FINDING_WORDS if name in ids] + sorted(ids - set(FINDING_WORDS))


def of_report(report: Mapping[str, object]) -> list[str]:
    """The findings that the run of a report looks for; reports of earlier versions do not list them."""
    listed = report.get("looked_for")
    if isinstance(listed, list):
        return [str(name) for name in listed]
    estimates, inputs, findings, sets = (report.get(name) for name in ("estimates", "inputs", "findings", "sets"))
    inner = [part.get("estimates", ()) for part in _objects(sets.values() if isinstance(sets, dict) else ())]
    return looked_for(
        str(report.get("command", "")),
        [name for part in (estimates, *inner) if isinstance(part, dict) for name in part],
        list(inputs) if isinstance(inputs, dict) else (),
        [str(part.get("id", "")) for part in _objects(findings if isinstance(findings, list) else ())],
    )


def _objects(values: Iterable[object]) -> list[dict[str, object]]:
    """The values that are objects: a report may have been written by anyone."""
    return [value for value in values if isinstance(value, dict)]
