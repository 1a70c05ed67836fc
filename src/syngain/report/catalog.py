"""Names of measures, findings, groups and decisions for readers of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.report.entries.entry import MeasureEntry
from syngain.report.entries.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Sequence


def describe(identifier: str) -> MeasureEntry:
    """The entry of an estimate id without its ``@part``; an unknown id falls back to its own words."""
    known = MEASURES.get(identifier) or _composed(identifier)
    if known is not None:
        return known
    words = identifier.replace(".", ": ").replace("_", " ")
    return MeasureEntry(words[:1].upper() + words[1:], "")


def group_of(identifier: str) -> str:
    """The heading of an estimate, from the first word of its id."""
    head = identifier.partition("@")[0].partition(".")[0]
    return GROUPS.get(head, head.replace("_", " ").capitalize() or "Other")


def finding_title(identifier: str, estimates: Sequence[str] = ()) -> str:
    """The name of a finding; missing regions of labels are under-represented classes."""
    if identifier == "missing_regions" and any(name.startswith("labels.") for name in estimates):
        return CLASSES
    return FINDINGS.get(identifier, identifier.replace("_", " ").capitalize())


def badge(command: str, decision: str) -> str:
    """The badge of a result; commands that decide nothing are done where they name no decision."""
    if decision == "cannot_tell" and command in DONE:
        return DONE[command]
    return decision_words(decision)


def decision_words(decision: str) -> str:
    """The badge of a decision."""
    return DECISIONS.get(decision, decision.replace("_", " ").capitalize())


DECISIONS = {
    "use": "Use",
    "use_subset": "Use a subset",
    "do_not_use": "Do not use",
    "cannot_tell": "Inconclusive",
}

DONE = {
    "generate": "Generated",
    "stress": "Tested",
    "information": "Attributed",
    "loop": "Measured",
    "ggmi": "Measured",
    "strategies": "Measured",
    "lab": "Measured",
    "clean": "Keep all",
}

FINDINGS = {
    "duplicates": "Repeated rows",
    "label_leak": "Label leakage",
    "label_independent": "Labels unrelated to the rows",
    "label_noise": "Label noise",
    "unknown_labels": "Unknown labels",
    "contamination": "Test contamination",
    "memorized_anchors": "Copies of real rows",
    "template_collapse": "Repeated template",
    "missing_regions": "Uncovered clusters",
    "distribution_shift": "Distribution shift",
    "bad_responses": "Bad responses",
    "bad_preferences": "Bad preferences",
    "broken_rules": "Broken rules",
    "wrong_tails": "Wrong tails",
    "changed_relations": "Changed relations",
    "weak_regime": "Where the model fails",
    "cut_outputs": "Outputs cut at the token limit",
    "kept_only": "Dropped rows are missing",
    "raw_log_probabilities": "Log-probabilities from other sampling settings",
    "selected_outputs": "Only selected outputs",
    "saturated": "Too few prompts",
    "no_end_token": "End token is missing",
    "pattern_overfitting": "The model learned the template",
    "forgetting": "The model forgets other rows",
    "no_gain": "No gain",
    "harm": "Harm",
    "limited_run": "Limits of this run",
}
CLASSES = "Under-represented classes"  # missing_regions that rest on labels

GROUPS = {
    "mix": "Mixture",
    "compare": "Comparison",
    "gain": "Training gain",
    "utility": "Utility",
    "duplicates": "Duplicates and size",
    "size": "Duplicates and size",
    "divergence": "Divergence",
    "fidelity": "Fidelity and coverage",
    "diversity": "Diversity",
    "novelty": "Novelty and contamination",
    "contamination": "Novelty and contamination",
    "labels": "Labels",
    "table": "Generated table",
    "stress": "Stress test",
    "balance": "Balance of classes",
    "relations": "Word pairs",
    "uniformity": "Templates and lengths",
    "responses": "Responses",
    "review": "Review by hand",
    "preference": "Preferences",
    "rules": "Columns of tables",
    "tails": "Columns of tables",
    "targets": "Targets",
    "information": "Information",
    "generation": "Information",
    "selection": "Selection",
    "cleaning": "Cleaning",
    "profile": "Profile of the rows",
    "ggmi": "Memorization",
    "ranking": "What orders strategies by their gain",
    "bound": "Bounds",
    "strategies": "Strategies",
    "loop": "Recursive training",
    "train": "Students",
    "student": "Students",
    "repair": "Repair of pattern overfitting",
    "pattern": "Pattern overfitting",
}

_METRICS = {
    "accuracy": ("accuracy", "label more held-out real rows correctly"),
    "macro_f1": ("macro-F1", "label held-out real rows better, all classes counted equally"),
    "log_loss": ("log-loss", "give the right label of held-out real rows more probability"),
    "pair_log_loss": ("log-loss of pairs", "give the chosen response of held-out real pairs more probability"),
    "pair_accuracy": ("accuracy of pairs", "prefer the chosen response of more held-out real pairs"),
    "gaussian_log_loss": ("log-loss of numbers", "give the number of held-out real rows more probability"),
    "rmse": ("RMSE", "predict the number of held-out real rows with less error"),
    "r2": ("R2", "explain more variance of the number of held-out real rows"),
    "ordinal_log_loss": ("log-loss of scores", "give the score of held-out real rows more probability"),
    "ordinal_error": ("mean absolute error", "predict the score of held-out real rows with less error"),
    "ordinal_accuracy": ("accuracy of scores", "predict the score of more held-out real rows exactly"),
    "label_set_log_loss": ("log-loss of label sets", "give the label sets of held-out real rows more probability"),
    "label_set_f1": ("macro-F1 of labels", "label held-out real rows better, all labels counted equally"),
    "token_log_loss": ("log-loss of token tags", "give the tags of held-out real tokens more probability"),
    "entity_f1": ("entity F1", "find more entities of held-out real rows exactly"),
    "retrieval_log_loss": (
        "log-loss of retrieval",
        "give the positive candidates of held-out real rows more probability",
    ),
    "retrieval_accuracy": ("accuracy of retrieval", "rank a positive candidate first in more held-out real rows"),
    "nats_per_byte": ("loss per byte", "predict held-out real text better"),
    "nats_per_token": ("loss per token of a frozen model", "predict held-out real responses better"),
    "kl_gap": ("loss per token", "predict held-out real responses better"),
    "exact_match": ("exact match", "match more held-out real responses exactly"),
}

_GAINS = {
    "": ("Training gain, forecast", "Will a proxy model {skill} with the synthetic rows?", "Forecast from real rows."),
    "test": (
        "Training gain, test set",
        "Does a proxy model {skill} with the synthetic rows?",
        "From test rows.",
    ),
    "duplication": (
        "Oversampling control",
        "What does repeating the real rows to the same size add?",
        "The training gain must exceed it; otherwise the gain is weight, not content.",
    ),
    "selected": (
        "Gain of the selected rows",
        "What do the selected rows add?",
        "Compare it with the gain of all rows.",
    ),
    "synthetic_only": ("Synthetic rows alone", "What is the gain of training without any real row?", ""),
    "class_weights": (
        "Class-weight control",
        "What does balancing the classes add?",
        "The training gain must exceed it; otherwise the gain is class balance.",
    ),
    "pool": ("Gain of as many real rows", "What would as many real rows add?", "An upper limit to compare with."),
}

ARMS = {
    "base": "untrained",
    "anchors": "real rows",
    "both": "real + synthetic",
    "selected": "real + selected",
    "duplicated": "oversampling control",
    "synthetic": "synthetic only",
}

PARTS = {
    "total": "all rows together",
    "whole_prompts": "all outputs of a prompt together",
    "raw": "uncorrected",
    "expected": "without test noise",
    **{f"arm={arm}": name for arm, name in ARMS.items()},
    "proxy": "fast proxy model",
    "chosen": "at the recommended size",
    "kept": "kept rows",
    "kept_chosen": "kept rows, at the recommended size",
    "doubling": "last doubling of the rows",
    "balanced": "equal class weights",
    "frequent": "without rare classes",
    "over_duplication": "beyond oversampling",
    "over_duplication_test": "beyond oversampling",
    "balanced_test": "equal class weights",
    "anchor_shares": "at the class proportions of the real rows",
    "anchors": "real rows",
    "all": "all rows",
    "all_test": "all rows",
    "random": "as many random rows",
    "random_test": "as many random rows",
    "kept_test": "kept rows",
    "test": "test rows",
    "profile": "profile",
    "confident": "confident",
    "anchors_alone": "versus real rows alone",
    "equal_divergence": "at equal divergence",
    "exact_worlds": "exact simulations",
    "students": "fine-tuned models",
    "generator=new": "a new generator",
    "generator=averaged": "averaged models",
    "best_part": "versus the best single part",
    "equal_shares": "versus equal proportions",
}

_BASELINES = {"over_random": "a random subset of the same size", "over_all": "all rows"}
_INSTEAD = {"over_none": "kept", "over_random": "dropped"}
_DROPPED = {"over_none": "all rows", "over_random": "random rows"}


def _composed(identifier: str) -> MeasureEntry | None:
    head, _, rest = identifier.partition(".")
    metric, _, tail = rest.partition(".")
    name, skill = _METRICS.get(metric, (metric.replace("_", " "), "do better on held-out real rows"))
    if head == "gain" and tail in _GAINS and (tail or metric in _METRICS):
        title, question, read = _GAINS[tail]
        return MeasureEntry(
            f"{title} ({name})", question.format(skill=skill), f"{read} + is better.".strip(), signed=True
        )
    if head == "compare" and not tail and metric in _METRICS:
        return MeasureEntry(
            f"Paired difference ({name})",
            f"Does a proxy model {skill} with the first dataset?",
            "+ is better for the first dataset.",
            signed=True,
        )
    if head == "cleaning" and tail in _DROPPED:
        return MeasureEntry(
            f"Gain over {_DROPPED[tail]} ({name})",
            f"Does a proxy model {skill} without the named rows, versus {_DROPPED[tail]} {_INSTEAD[tail]}?",
            "+ is better.",
            signed=True,
        )
    if head == "selection" and tail in _BASELINES:
        return MeasureEntry(
            f"Selection versus {_BASELINES[tail]} ({name})",
            f"Is the selected subset better than {_BASELINES[tail]}?",
            "+ is better; a random subset is a strong baseline.",
            signed=True,
        )
    return None
