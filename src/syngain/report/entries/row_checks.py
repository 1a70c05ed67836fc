"""Name, question and reading of the checks of single rows: responses, preferences, review by hand."""

from __future__ import annotations

from syngain.report.entries.entry import MeasureEntry

_RESPONSES = {  # id to name and "What fraction of responses ...?"
    "empty": ("Empty responses", "is empty or a placeholder"),
    "prompt": ("Empty prompts", "answers an empty prompt"),
    "refusal": ("Refusals", "refuses the request or is one answer to many prompts"),
    "role_leak": ("Role leaks", "holds template tokens or turns of other roles"),
    "loop": ("Loops", "repeats the same words in a loop"),
    "echo": ("Echoes of the prompt", "only repeats the prompt"),
    "repeated": ("Repeated answers", "repeats the answer to another prompt"),
    "language": ("Wrong language", "is in another language than the prompt"),
    "thought": ("Unfinished reasoning", "has unclosed reasoning or no final answer"),
    "cut": ("Cut responses", "stops before its end"),
    "code": ("Broken code", "holds code that does not parse"),
    "call_json": ("Broken tool calls", "holds tool calls that are no valid JSON"),
    "call_tool": ("Calls of unknown tools", "calls a tool that is not offered"),
    "call_missing": ("Missing arguments", "leaves out required arguments of a tool"),
    "call_arguments": ("Invalid arguments", "calls a tool with unknown or wrongly typed arguments"),
    "call_result": ("Unmatched tool results", "has tool results that do not match their calls"),
    "arithmetic": ("Wrong arithmetic", "holds an equation of plain numbers that is wrong"),
    "personal": ("Personal data", "or prompts hold email addresses, phone, card or id numbers"),
    "secret": ("Keys and passwords", "or prompts hold keys, tokens or passwords"),
    "length": ("Unusual lengths", "is far shorter or longer than real ones"),
}
_PREFERENCES = {  # id to name and "What fraction of pairs ...?"
    "equal": ("Equal pairs", "has the same response twice"),
    "empty": ("Empty rejected responses", "has an empty rejected response"),
    "near_equal": ("Nearly equal pairs", "has two responses that differ little"),
    "prompt": ("Pairs of different prompts", "compares responses to two different prompts"),
    "score": ("Pairs against their scores", "has the lower score on the chosen response"),
    "swapped": ("Swapped pairs", "looks swapped to a classifier trained on real pairs"),
    "longer": ("Preference for length", "prefers the longer response"),
}
_CORRECTED = "Real rows with wrong targets correct for the model's own error."
_TARGETS = {
    "noise": ("Wrong targets", "What fraction of targets looks wrong to a model trained on real rows?"),
    "missing_tags": ("Rows without tags", "What fraction of rows has all tags missing?"),
    "wrong_tags": ("Rows with wrong tags", "What fraction of rows has tags on the wrong tokens?"),
    "swapped": ("Swapped candidates", "What fraction of rows has a negative candidate as the positive one?"),
}
_READ = "The real rows' own fraction gives the expected range; flagged rows are in dropped.jsonl."

ROW_CHECKS = {
    **{
        f"{family}.{kind}": MeasureEntry(name, f"What fraction of {rows} {words}?", _READ)
        for family, rows, kinds in (("responses", "responses", _RESPONSES), ("preference", "pairs", _PREFERENCES))
        for kind, (name, words) in kinds.items()
    },
    **{f"targets.{name}": MeasureEntry(title, question, _CORRECTED) for name, (title, question) in _TARGETS.items()},
    "targets.skill": MeasureEntry(
        "Skill on real targets",
        "How much does a model learn of the targets of real rows?",
        "Near 0, wrong targets cannot be found.",
    ),
    "rules.broken": MeasureEntry(
        "Rows that break a rule",
        "What fraction of synthetic rows breaks a rule that the real rows keep?",
        "Held-out real rows give the expected range; the finding names the rules.",
    ),
    "fidelity.sdmetrics_quality": MeasureEntry(
        "SDMetrics quality",
        "What overall quality score does SDMetrics give?",
        "It sees single columns and pairs: a table whose rows make no sense can score 84%.",
    ),
    "relations.strength": MeasureEntry(
        "Strength of relations",
        "How strongly are columns related, compared with the real rows?",
        "1: as among real rows; 0: every column by itself; above 1: rows are too regular.",
    ),
    "relations.changed": MeasureEntry(
        "Pairs that changed",
        "What fraction of related pairs of columns has another correlation than among real rows?",
        "0% where both sides have one distribution; `pairs.jsonl` lists the pairs.",
    ),
    "privacy.disclosure": MeasureEntry(
        "Disclosed cells",
        "How much more of a real row do synthetic rows disclose than other real rows do?",
        "0 where both sides have one distribution; from 10% of cells, rows are copied.",
    ),
    "tails.invented": MeasureEntry(
        "Values far beyond",
        "What fraction of synthetic rows has a number far beyond every real one?",
        "0% among real rows; a few such values dominate means and linear models.",
    ),
    "tails.missing": MeasureEntry(
        "Missing tail",
        "Which part of the real extremes of a column do synthetic rows not reach?",
        "The column that lacks most; 100% means that its extremes are cut off.",
    ),
    "tails.joint_invented": MeasureEntry(
        "Unlikely rows",
        "What fraction of synthetic rows is less likely, as a whole, than nearly all real rows?",
        "About 1% among real rows; more: combinations of values that real rows do not have.",
    ),
    "tails.joint_missing": MeasureEntry(
        "Missing unlikely rows",
        "Which part of the least likely real rows do synthetic rows lack?",
        "0% among real rows; near 100% all rows are typical ones.",
    ),
    "review.precision": MeasureEntry(
        "Precision by review",
        "What fraction of the flagged rows has the defect, in a review by hand?",
        "Below about 90%, look at the rows before you drop them.",
    ),
    "preference.accuracy": MeasureEntry("Accuracy on real pairs", "How many real pairs does the classifier get right?"),
}
