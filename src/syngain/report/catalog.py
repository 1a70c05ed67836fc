"""What each measure is called, which question it answers and how to read it, in plain words."""

from __future__ import annotations

from syngain.report.entries import MEASURES, MeasureEntry


def describe(identifier: str) -> MeasureEntry:
    """The words for an estimate id without its ``@part``; an unknown id falls back to itself in words."""
    known = MEASURES.get(identifier) or _composed(identifier)
    if known is not None:
        return known
    words = identifier.replace(".", ": ").replace("_", " ")
    return MeasureEntry(words[:1].upper() + words[1:], "")


def group_of(identifier: str) -> str:
    """The heading an estimate stands under, from the first word of its id."""
    head = identifier.partition("@")[0].partition(".")[0]
    return GROUPS.get(head, head.replace("_", " ").capitalize() or "Other")


def finding_title(identifier: str) -> str:
    """The name of a finding in plain words."""
    return FINDINGS.get(identifier, identifier.replace("_", " ").capitalize())


def badge(command: str, decision: str) -> str:
    """The badge of a result; a command that only makes or measures is done, whatever it cannot tell."""
    if decision == "cannot_tell" and command in DONE:
        return DONE[command]
    return decision_words(decision)


def decision_words(decision: str) -> str:
    """The badge of a decision."""
    return DECISIONS.get(decision, decision.replace("_", " ").capitalize())


DECISIONS = {"use": "Use it", "use_subset": "Use a part", "do_not_use": "Do not use", "cannot_tell": "Cannot tell"}

DONE = {"generate": "Generated", "information": "Accounted for", "loop": "Measured", "ggmi": "Measured"}

FINDINGS = {
    "duplicates": "Repeated rows",
    "label_leak": "The label is written into the text",
    "label_independent": "Labels do not follow the text",
    "label_noise": "Labels look wrong",
    "unknown_labels": "Labels you do not have",
    "contamination": "Test rows in the synthetic set",
    "memorized_anchors": "Copies of your own rows",
    "template_collapse": "The same template again and again",
    "missing_regions": "Kinds of real rows that are missing",
    "distribution_shift": "Not the distribution of your rows",
    "cut_outputs": "Outputs cut at the token limit",
    "kept_only": "Dropped rows are not accounted for",
    "raw_log_probabilities": "Log-probabilities of another law",
    "selected_outputs": "Not all that the generator said",
    "saturated": "Too few prompts",
    "no_end_token": "The end is not accounted for",
    "pattern_overfitting": "The model learned the template",
    "no_gain": "Adds nothing a model can use",
    "harm": "Makes a model worse",
    "limited_run": "What this run could not see",
}

GROUPS = {
    "mix": "Mixture",
    "compare": "Set against set",
    "gain": "Measured gain",
    "utility": "Utility",
    "duplicates": "Duplicates and size",
    "size": "Duplicates and size",
    "divergence": "Divergence",
    "fidelity": "Faithfulness and coverage",
    "diversity": "Diversity",
    "novelty": "Novelty and contamination",
    "contamination": "Novelty and contamination",
    "labels": "Labels",
    "relations": "Relations",
    "uniformity": "Uniformity",
    "information": "Information",
    "generation": "Information",
    "selection": "Selection",
    "ggmi": "Generalization",
    "loop": "Loop",
    "train": "Students",
    "student": "Students",
    "repair": "Repair of pattern overfitting",
    "pattern": "Pattern overfitting",
}

_METRICS = {
    "accuracy": ("accuracy", "label more held-out real rows correctly"),
    "macro_f1": ("macro-F1", "label held-out real rows better, each class counted equally"),
    "log_loss": ("log-loss", "give the right label more probability on held-out real rows"),
    "nats_per_byte": ("nats per byte", "predict held-out real text better"),
    "kl_gap": ("nats per token", "predict held-out real responses better"),
    "exact_match": ("exact match", "say more held-out real responses to the token"),
}

_GAINS = {
    "": ("Gain, forecast", "Will a proxy {skill} with the synthetic rows?", "Forecast from the real rows."),
    "test": ("Gain on your test set", "Does a proxy {skill} with the synthetic rows?", "Measured on your test rows."),
    "duplication": (
        "Control: real rows repeated",
        "What does repeating the real rows to the same size bring?",
        "The gain must beat this to be more than weight.",
    ),
    "selected": (
        "Selected rows added",
        "What do the selected rows bring instead of all of them?",
        "Compare it with the gain of all rows.",
    ),
    "synthetic_only": ("Synthetic rows alone", "What does training without any real row bring?", ""),
    "class_weights": (
        "Control: class weights",
        "What does balancing the classes bring?",
        "The gain must beat this to be more than balance.",
    ),
    "pool": ("Control: real rows", "What would as many real rows bring?", "The ceiling to compare with."),
}

ARMS = {
    "base": "untrained",
    "anchors": "anchors",
    "both": "real rows + synthetic",
    "selected": "real rows + selected",
    "duplicated": "real rows repeated",
    "synthetic": "synthetic only",
}

PARTS = {
    "total": "all rows together",
    "whole_prompts": "all outputs of a prompt together",
    "raw": "uncorrected",
    "expected": "expected, without the noise of a test",
    **{f"arm={arm}": name for arm, name in ARMS.items()},
    "proxy": "said by the fast proxy, not the student",
    "chosen": "the chosen amount, 0 where none was",
    "kept": "only the rows to keep",
    "doubling": "of the last doubling of the rows",
    "balanced": "equal class weights in both arms",
    "frequent": "without classes of too few real rows",
    "over_duplication": "over repeated real rows",
    "over_duplication_test": "over repeated real rows",
    "balanced_test": "equal class weights in both arms",
    "anchor_shares": "weighted to the class fractions of the real rows",
    "all": "all rows",
    "all_test": "all rows",
    "random": "as many random rows",
    "random_test": "as many random rows",
    "kept_test": "only the rows to keep",
    "test": "on the test",
}

_RIVALS = {"over_random": "a random subset of the same size", "over_all": "using all rows"}


def _composed(identifier: str) -> MeasureEntry | None:
    head, _, rest = identifier.partition(".")
    metric, _, tail = rest.partition(".")
    name, skill = _METRICS.get(metric, (metric.replace("_", " "), "do better on held-out real rows"))
    if head == "gain" and tail in _GAINS and (tail or metric in _METRICS):
        title, question, read = _GAINS[tail]
        return MeasureEntry(
            f"{title} ({name})", question.format(skill=skill), f"{read} Positive is better.".strip(), signed=True
        )
    if head == "compare" and not tail and metric in _METRICS:
        return MeasureEntry(f"Paired difference ({name})", f"Does a proxy {skill} with the first set?", signed=True)
    if head == "selection" and tail in _RIVALS:
        return MeasureEntry(
            f"Selection against {_RIVALS[tail]} ({name})",
            f"Is the chosen subset better than {_RIVALS[tail]}?",
            "Positive is better; random is a strong rival.",
            signed=True,
        )
    return None
