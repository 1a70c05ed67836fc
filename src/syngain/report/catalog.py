"""What each measure is called, which question it answers and how to read it, in plain words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure for a person who does not know its id. ``signed``: a difference, shown with its sign."""

    name: str
    question: str
    read: str = ""
    signed: bool = False


def describe(identifier: str) -> Measure:
    """The words for an estimate id without its ``@part``; an unknown id falls back to itself in words."""
    known = MEASURES.get(identifier) or _composed(identifier)
    if known is not None:
        return known
    words = identifier.replace(".", ": ").replace("_", " ")
    return Measure(words[:1].upper() + words[1:], "")


def group_of(identifier: str) -> str:
    """The heading an estimate stands under, from the first word of its id."""
    head = identifier.partition("@")[0].partition(".")[0]
    return GROUPS.get(head, head.replace("_", " ").capitalize() or "Other")


def finding_title(identifier: str) -> str:
    """The name of a finding in plain words."""
    return FINDINGS.get(identifier, identifier.replace("_", " ").capitalize())


def decision_words(decision: str) -> str:
    """The badge of a decision."""
    return DECISIONS.get(decision, decision.replace("_", " ").capitalize())


DECISIONS = {"use": "Use it", "use_subset": "Use a part", "do_not_use": "Do not use", "cannot_tell": "Cannot tell"}

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
    "no_gain": "Adds nothing a proxy can use",
    "harm": "Makes the proxy worse",
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
}

MEASURES = {
    "duplicates.exact_fraction": Measure(
        "Exact duplicates",
        "How many rows repeat another one to the letter?",
        "Repeated rows cost training and add nothing; real sets have a few.",
    ),
    "duplicates.near_fraction": Measure(
        "Near duplicates",
        "How many rows are another one with small changes?",
        "Compare with the range of your real rows: short texts repeat by chance.",
    ),
    "size.effective": Measure(
        "Effective rows",
        "How many different rows is the set worth?",
        "Far below the row count means much repetition. Rows are not information.",
    ),
    "divergence.tv_lower": Measure(
        "Total variation, at least",
        "How far apart are real and synthetic, on a scale from 0 to 1?",
        "The share a classifier can tell apart; a lower bound, the truth may be further.",
    ),
    "divergence.js_lower": Measure(
        "Jensen-Shannon, at least",
        "How much does one row tell about being real or synthetic?",
        "0 is the same distribution, 0.693 nats (ln 2) is no overlap; a lower bound.",
    ),
    "divergence.mmd2": Measure(
        "MMD squared",
        "Do the average embeddings of both sides differ?",
        "Near 0 where they agree, and then slightly negative by chance; read it by its p-value.",
    ),
    "fidelity.density": Measure(
        "Density",
        "Do synthetic rows lie where real rows lie?",
        "Read against the real range; without it the number has no absolute meaning.",
    ),
    "fidelity.coverage": Measure(
        "Coverage",
        "How much of the real variety does the set reach?",
        "The share of real rows with a synthetic neighbor; low values name the missing regions.",
    ),
    "fidelity.missing_mass": Measure(
        "Missing regions",
        "How many real rows are of a kind the set never reaches?",
        "0 % means every kind of real row found here has its synthetic share; the map rings the others.",
    ),
    "fidelity.off_support": Measure(
        "Outside the real rows",
        "How many synthetic rows are unlike any real row?",
        "Real rows among themselves give the range; more may be novelty or nonsense: look at them.",
    ),
    "fidelity.marginals": Measure(
        "Columns one by one",
        "In the column that differs most, how far apart are the two distributions?",
        "0 is the same, 1 is no overlap; columns can agree one by one while rows make no sense.",
    ),
    "relations.recovered": Measure(
        "Relations recovered",
        "How many pairs of words that go together in real rows go together here?",
        "Compare with fresh real rows of the same number; few pairs repeat in small samples.",
    ),
    "diversity.vendi": Measure(
        "Vendi diversity",
        "How many clearly different kinds of rows are there, at a fixed sample size?",
        "Compare with real rows of the same number; not with other reports.",
    ),
    "diversity.new_fraction": Measure(
        "New rows from one more prompt",
        "How many rows of a fresh prompt would repeat nothing?",
        "Falls as the generator runs dry; a low value says that more of the same recipe brings little.",
    ),
    "novelty.copy_fraction": Measure(
        "Copies of anchors",
        "How many synthetic rows are your own rows again?",
        "Judged against how often real rows resemble each other.",
    ),
    "novelty.distance_ratio": Measure(
        "Distance to the anchors",
        "Are synthetic rows nearer to the anchors than fresh real rows are?",
        "Around 1 is like fresh real rows; well below 1 is memorizing.",
    ),
    "contamination.test_fraction": Measure(
        "Test contamination",
        "How many synthetic rows repeat rows of your test set?",
        "Judged against the background rate of your anchors; real contamination inflates your results.",
    ),
    "labels.synthetic_agreement": Measure(
        "Synthetic labels, judged by real rows",
        "Does a model of your real rows agree with the synthetic labels?",
        "Compare with its agreement on real rows; far below means noisy or shifted labels.",
    ),
    "labels.real_recovery": Measure(
        "Real labels, judged by synthetic rows",
        "Does a model trained on the synthetic rows label the real ones well?",
        "Compare with models trained on real rows: below their range, something is lost on the way.",
    ),
    "labels.inner_signal": Measure(
        "Signal inside the synthetic labels",
        "Do labels follow the text inside the synthetic set?",
        "Around 0 the labels are random; compare with the real rows.",
    ),
    "labels.leak_fraction": Measure(
        "Label written into the text",
        "How many rows contain the words of their own label?",
        "A shortcut: a student learns the word instead of the task. Compare with the real rows.",
    ),
    "labels.missing_mass": Measure(
        "Missing labels",
        "How many real rows have a label that the set hardly ever uses?",
        "0 % means every label has its share.",
    ),
    "uniformity.opening_share": Measure(
        "Most common openings",
        "How many rows start with the same words?",
        "Compare with the real rows; templates open alike.",
    ),
    "uniformity.template_entropy": Measure(
        "Variety of templates",
        "How varied are the sentence patterns once content words are masked?",
        "Lower than the real rows means one template, many fillings.",
    ),
    "uniformity.length_overlap": Measure(
        "Overlap of lengths",
        "Are synthetic rows as long as real rows?",
        "100 % is the same distribution of lengths.",
    ),
    "information.compression_gain": Measure(
        "Compression gain",
        "How many new bytes does each synthetic byte bring, given the anchors?",
        "Between its two ends: duplicates bring about 0, fresh real rows the real value.",
    ),
    "information.gain": Measure(
        "Information gain",
        "How much does the generator say beyond the prompt?",
        "Noise has the most: only read it beside divergence and measured gain.",
    ),
    "information.prompt_lower": Measure(
        "Prompt information, at least",
        "How much does the output depend on which prompt was used?",
        "Lower end of the bracket; at most the logarithm of the number of prompts can be seen.",
    ),
    "information.prompt_upper": Measure(
        "Prompt information, at most",
        "How much can the output depend on which prompt was used?",
        "Upper end of the bracket; saturated when it exceeds the logarithm of the number of prompts.",
    ),
    "information.entropy": Measure(
        "Output entropy",
        "How unpredictable is what the generator says in total?",
        "The sum of information gain and prompt information.",
    ),
    "information.semantic": Measure(
        "Semantic entropy",
        "How much of the variety is meaning instead of wording?",
        "Only meaning is diversity; a lower bound, capped by the samples per prompt.",
    ),
    "information.bits_per_byte": Measure(
        "Bits per byte",
        "How surprising is the text to the scoring model?",
        "Lower is more predictable; compare with the real rows.",
    ),
    "novelty.surprisal": Measure(
        "Surprisal under your rows",
        "How surprising are the rows to a model of your real rows?",
        "Compare with held-out real rows: far above is foreign, far below is repetition.",
    ),
    "generation.divergence": Measure(
        "Divergence made by curation",
        "How far did filtering move the set from what the generator said?",
        "A strict filter is far from its generator; whether that helps is for the gain to say.",
    ),
    "gain.kl_gap": Measure(
        "KL gap of the student",
        "Does the student predict held-out real rows better with the synthetic rows?",
        "Positive is better, zero is no difference.",
        signed=True,
    ),
    "gain.rows_worth": Measure(
        "Rows worth",
        "How many real rows would bring the same?",
        "Negative for harm; from anchors alone it is an extrapolation.",
        signed=True,
    ),
    "gain.alpha": Measure(
        "Slope of the learning curve", "How fast does the loss fall with more rows?", "A larger value falls faster."
    ),
    "gain.floor": Measure(
        "Floor of the learning curve",
        "Where does the loss end with unlimited rows of this generator?",
        "A high floor asks for another generator, not for more rows.",
    ),
    "gain.generator_spread": Measure(
        "Spread between generators",
        "How much would the gain change with another seed, prompt or model?",
        "Part of the doubt of every statement about the recipe.",
    ),
    "utility.total": Measure(
        "Utility",
        "How much worse or better than real rows does it train?",
        "Positive: the synthetic rows train better than the real ones.",
        signed=True,
    ),
    "utility.input_shift": Measure(
        "Utility lost to inputs", "How much is due to different texts?", "Negative costs utility.", signed=True
    ),
    "utility.label_error": Measure(
        "Utility lost to labels", "How much is due to different labels?", "Negative costs utility.", signed=True
    ),
    "utility.interaction": Measure(
        "Utility: order of swapping", "How much depends on what is swapped first?", "Large: read the parts with care."
    ),
    "gain.budget": Measure(
        "Share of the doubt", "Where does the variance of the gain come from?", "The largest says what to buy next."
    ),
    "gain.rank_agreement": Measure(
        "Agreement of learners",
        "Do other learners put the arms in the same order?",
        "1 is the same order; below .5 the gain is a matter of the learner.",
    ),
    "gain.ten_times": Measure(
        "Ten times more rows",
        "What would ten times more rows of this generator bring?",
        "A forecast by the learning curve.",
        signed=True,
    ),
    "ggmi.ld_cmi": Measure(
        "Generalization information",
        "How much do the losses give away about which rows were trained on?",
        "Read against the shuffled range; it bounds the gap on synthetic rows, not on your task.",
    ),
    "ggmi.e_cmi": Measure("The same from both losses", "How much do the two losses of a pair give away?"),
    "ggmi.f_cmi": Measure("The same from predictions", "How much do the two predictions of a pair give away?"),
    "ggmi.difference": Measure(
        "GGMI",
        "How much less does a learner of synthetic rows give away of its rows than one of the anchors?",
        "A set that teaches nothing has the largest: read the measured gain.",
        signed=True,
    ),
    "ggmi.gap": Measure("Measured gap", "How much more often does it err on fresh rows of its own kind?", signed=True),
    "ggmi.error": Measure("Error on fresh rows of its own kind", "How often does it err on rows it did not learn?"),
    "ggmi.bound_ld": Measure("Bound of the gap, loss difference", "How large can the gap be?"),
    "ggmi.bound_e": Measure("Bound of the gap, both losses", "How large can the gap be?"),
    "ggmi.bound_f": Measure("Bound of the gap, predictions", "How large can the gap be?"),
    "mix.share": Measure(
        "Share in the best mixture", "How much of it should the mixture hold?", "Wide intervals: it hardly matters."
    ),
    "mix.gain": Measure(
        "Gain of the best mixture",
        "How much lower is the loss than that of the rival?",
        "Positive is better.",
        signed=True,
    ),
    "mix.loss": Measure("Predicted loss", "What loss would a run of this mixture have?"),
    "mix.error": Measure("Error of the regression", "How far off is a predicted loss of a fresh run?"),
    "mix.rank_correlation": Measure(
        "Order of mixtures", "Are mixtures put in the order of their losses?", "1 is the same order, 0 is chance."
    ),
    "compare.rank": Measure(
        "Rank",
        "Which place does the set have among those compared?",
        "1 is the best; the interval holds every place that cannot be excluded.",
    ),
    "loop.distinct_fraction": Measure(
        "Still distinct",
        "How much stays different when the generator eats its own output?",
        "A falling share is collapse.",
    ),
    "loop.coverage": Measure("Real 4-grams still said", "How much of what real rows say is still said?"),
    "loop.tail_coverage": Measure("Rare words still said", "How many of the rare words of real rows are still said?"),
    "loop.divergence": Measure(
        "Further from real rows", "How much harder are real rows for a model of the generation?", signed=True
    ),
    "loop.loss_ratio_distinct_fraction": Measure(
        "Loss beside full replacement", "How much of the loss is left with real rows in every generation?"
    ),
    "loop.loss_ratio_coverage": Measure(
        "Loss of coverage beside full replacement", "How much of the loss is left with real rows in every generation?"
    ),
}

_METRICS = {
    "accuracy": ("accuracy", "label more held-out real rows correctly"),
    "macro_f1": ("macro-F1", "label held-out real rows better, each class counted equally"),
    "log_loss": ("log-loss", "give the right label more probability on held-out real rows"),
    "nats_per_byte": ("nats per byte", "predict held-out real text better"),
}

_GAINS = {
    "": ("Gain, forecast", "Will a proxy {skill} with the synthetic rows?", "Forecast from the anchors."),
    "test": ("Gain on your test set", "Does a proxy {skill} with the synthetic rows?", "Measured on your test rows."),
    "duplication": (
        "Control: anchors repeated",
        "What does repeating the anchors to the same size bring?",
        "The gain must beat this to be more than weight.",
    ),
    "synthetic_only": ("Synthetic rows alone", "What does training without any real row bring?", ""),
    "class_weights": (
        "Control: class weights",
        "What does balancing the classes bring?",
        "The gain must beat this to be more than balance.",
    ),
    "pool": ("Control: real rows", "What would as many real rows bring?", "The ceiling to compare with."),
}

PARTS = {
    "total": "all rows together",
    "whole_prompts": "all outputs of a prompt together",
    "raw": "uncorrected",
    "expected": "expected, without the noise of a test",
    "chosen": "the chosen amount",
    "kept": "only the rows to keep",
    "balanced": "equal class weights in both arms",
    "frequent": "without classes of too few anchors",
    "over_duplication": "over repeated anchors",
    "over_duplication_test": "over repeated anchors, on the test",
    "balanced_test": "equal class weights in both arms, on the test",
    "anchor_shares": "weighted to the class shares of the anchors",
    "all": "all rows",
    "all_test": "all rows, on the test",
    "random": "as many random rows",
    "random_test": "as many random rows, on the test",
    "kept_test": "only the rows to keep, on the test",
    "test": "on the test",
}

_RIVALS = {"over_random": "a random subset of the same size", "over_all": "using all rows"}


def _composed(identifier: str) -> Measure | None:
    head, _, rest = identifier.partition(".")
    metric, _, tail = rest.partition(".")
    name, skill = _METRICS.get(metric, (metric.replace("_", " "), "do better on held-out real rows"))
    if head == "gain" and tail in _GAINS and (tail or metric in _METRICS):
        title, question, read = _GAINS[tail]
        return Measure(
            f"{title} ({name})", question.format(skill=skill), f"{read} Positive is better.".strip(), signed=True
        )
    if head == "compare" and not tail and metric in _METRICS:
        return Measure(f"Paired difference ({name})", f"Does a proxy {skill} with the first set?", signed=True)
    if head == "selection" and tail in _RIVALS:
        return Measure(
            f"Selection against {_RIVALS[tail]} ({name})",
            f"Is the chosen subset better than {_RIVALS[tail]}?",
            "Positive is better; random is a strong rival.",
            signed=True,
        )
    return None
