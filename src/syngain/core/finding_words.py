"""The second and third part of each finding's words: what it leads to, and the fix where no rows are dropped for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# finding id to (consequence, fix)
FINDING_WORDS: Mapping[str, tuple[str, str]] = {
    "duplicates": ("Repeated rows cost training time and overweight their content.", "remove near-duplicates"),
    "memorized_anchors": ("Copies add nothing to your real rows.", "generate again with other prompts"),
    "contamination": ("Scores on this test set would be inflated.", "remove the test rows"),
    "template_collapse": ("A model learns the opening instead of the task.", "vary the prompts and generate again"),
    "missing_regions": ("A model sees too few examples of them.", "generate more rows of these kinds"),
    "distribution_shift": ("A model learns rows unlike your real ones.", "inspect the examples; change the prompts"),
    "label_leak": ("A model learns to look for the label's words.", "remove the label from the text"),
    "label_independent": ("A model trained on these labels learns nothing.", "relabel all rows"),
    "label_noise": ("Wrong labels lower accuracy.", "check how labels were assigned, then relabel"),
    "bad_responses": ("A model learns to respond like this.", "inspect the examples; generate these rows again"),
    "bad_preferences": ("A model learns to prefer the worse response.", "compare both responses of these rows again"),
    "broken_rules": ("A model learns rows that cannot exist.", "inspect the examples; generate these rows again"),
    "weak_regime": (
        "A model trained on these rows errs more often there.",
        "collect real rows there; drawn rows may not help",
    ),
    "changed_relations": (
        "A model learns other relations than those of your real rows.",
        "generate whole rows, each column given the others",
    ),
    "wrong_tails": ("A few extreme values dominate what a model learns.", "drop or correct these rows"),
    "unknown_labels": ("A model learns classes that you do not have.", "map these labels to yours, or drop the rows"),
    "harm": ("A model trained with these rows predicts your real rows worse.", "do not add these rows"),
    "no_gain": (
        "Training costs rise and the model does not improve.",
        "do not add these rows, or compare other datasets with `syngain compare`",
    ),
    "cut_outputs": ("A model learns to stop in the middle.", "raise max_tokens, or add `{step: finished}` to curate"),
    "kept_only": ("The divergence of curation cannot be computed.", "pass the dropped rows with --dropped"),
    "raw_log_probabilities": (
        "The information gain is only bounded from above.",
        "generate with logprob_mode: processed, or at temperature 1",
    ),
    "selected_outputs": ("The numbers do not describe the generator.", "pass all generated rows"),
    "saturated": ("The upper bound on prompt information is not usable.", "use more prompts"),
    "no_end_token": (
        "The information gain is too low by the choice to stop.",
        "use a scorer with an end token",
    ),
    "pattern_overfitting": (
        "The model repeats the template and forgets your real rows.",
        "mix in real rows, or repair with `syngain train REAL SYNTHETIC --repair`",
    ),
    "forgetting": (
        "The model gets worse at what it could do before.",
        "use the recommended repair, or mix in real rows of other kinds",
    ),
    "limited_run": ("The measured gain may change in a longer run.", "raise --n-repeats, --steps or --max-tokens"),
}
