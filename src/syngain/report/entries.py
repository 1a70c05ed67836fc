"""What each measure is called, which question it answers and how to read it: the entries of the catalog."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MeasureEntry:
    """A measure for a person who does not know its id. ``signed``: a difference, shown with its sign."""

    name: str
    question: str
    read: str = ""
    signed: bool = False


MEASURES = {
    "duplicates.exact_fraction": MeasureEntry(
        "Exact duplicates",
        "How many rows repeat another one exactly?",
        "Repeated rows cost training and add nothing; real sets have a few.",
    ),
    "duplicates.near_fraction": MeasureEntry(
        "Near duplicates",
        "How many rows are another one with small changes?",
        "Compare with the range of your real rows: short texts repeat by chance.",
    ),
    "size.effective": MeasureEntry(
        "Effective rows",
        "How many different rows is the set worth?",
        "Far below the row count means much repetition. Rows are not information.",
    ),
    "divergence.tv_lower": MeasureEntry(
        "Total variation, at least",
        "How far apart are real and synthetic, on a scale from 0 to 1?",
        "The share a classifier can tell apart; a lower bound, the truth may be further.",
    ),
    "divergence.js_lower": MeasureEntry(
        "Jensen-Shannon, at least",
        "How much does one row tell about being real or synthetic?",
        "0 is the same distribution, 0.693 nats (ln 2) is no overlap; a lower bound.",
    ),
    "divergence.mmd2": MeasureEntry(
        "MMD squared",
        "Do the average embeddings of both sides differ?",
        "Near 0 where they agree, and then slightly negative by chance; read it by its p-value.",
    ),
    "fidelity.density": MeasureEntry(
        "Density",
        "Do synthetic rows lie where real rows lie?",
        "Read against the real range; without it the number has no absolute meaning.",
    ),
    "fidelity.coverage": MeasureEntry(
        "Coverage",
        "How much of the real variety does the set reach?",
        "The fraction of real rows with a synthetic neighbor; low values name the missing regions.",
    ),
    "fidelity.missing_mass": MeasureEntry(
        "Missing regions",
        "How many real rows are of a kind the set never reaches?",
        "0 % means every kind of real row found here has its synthetic share; the map rings the others.",
    ),
    "fidelity.off_support": MeasureEntry(
        "Outside the real rows",
        "How many synthetic rows are unlike any real row?",
        "Real rows among themselves give the range; more may be novelty or nonsense: look at them.",
    ),
    "fidelity.marginals": MeasureEntry(
        "Columns one by one",
        "In the column that differs most, how far apart are the two distributions?",
        "0 is the same, 1 is no overlap; columns can agree one by one while rows make no sense.",
    ),
    "relations.recovered": MeasureEntry(
        "Relations recovered",
        "How many pairs of words that go together in real rows go together here?",
        "Compare with fresh real rows of the same number; few pairs repeat in small samples.",
    ),
    "diversity.vendi": MeasureEntry(
        "Vendi diversity",
        "How many clearly different kinds of rows are there, at a fixed sample size?",
        "Compare with real rows of the same number; not with other reports.",
    ),
    "diversity.new_fraction": MeasureEntry(
        "New rows from one more prompt",
        "How many rows of a fresh prompt would repeat nothing?",
        "Falls as the generator runs dry; a low value says that more of the same recipe brings little.",
    ),
    "novelty.copy_fraction": MeasureEntry(
        "Copies of real rows",
        "How many synthetic rows are your own rows again?",
        "Judged against how often real rows resemble each other.",
    ),
    "novelty.distance_ratio": MeasureEntry(
        "Distance to the real rows",
        "Are synthetic rows nearer to the real rows than fresh real rows are?",
        "Around 1 is like fresh real rows; well below 1 is memorizing.",
    ),
    "contamination.test_fraction": MeasureEntry(
        "Test contamination",
        "How many synthetic rows repeat rows of your test set?",
        "Judged against the background rate of your real rows; real contamination inflates your results.",
    ),
    "labels.synthetic_agreement": MeasureEntry(
        "Synthetic labels, judged by real rows",
        "Does a model of your real rows agree with the synthetic labels?",
        "Compare with its agreement on real rows; far below means noisy or shifted labels.",
    ),
    "labels.real_recovery": MeasureEntry(
        "Real labels, judged by synthetic rows",
        "Does a model trained on the synthetic rows label the real ones well?",
        "Compare with models trained on real rows: below their range, something is lost on the way.",
    ),
    "labels.inner_signal": MeasureEntry(
        "Signal inside the synthetic labels",
        "Do labels follow the text inside the synthetic set?",
        "Around 0 the labels are random; compare with the real rows.",
    ),
    "labels.leak_fraction": MeasureEntry(
        "Label written into the text",
        "How many rows contain the words of their own label?",
        "A shortcut: a student learns the word instead of the task. Compare with the real rows.",
    ),
    "labels.missing_mass": MeasureEntry(
        "Missing labels",
        "How many real rows have a label that the set hardly ever uses?",
        "0 % means every label has its share.",
    ),
    "uniformity.opening_share": MeasureEntry(
        "Most common openings",
        "How many rows start with the same words?",
        "Compare with the real rows; templates open alike.",
    ),
    "uniformity.template_entropy": MeasureEntry(
        "Variety of templates",
        "How varied are the sentence patterns once content words are masked?",
        "Lower than the real rows means one template, many fillings.",
    ),
    "uniformity.length_overlap": MeasureEntry(
        "Overlap of lengths",
        "Are synthetic rows as long as real rows?",
        "100 % is the same distribution of lengths.",
    ),
    "information.compression_gain": MeasureEntry(
        "Compression gain",
        "How many new bytes does each synthetic byte bring, given the real rows?",
        "Between its two ends: duplicates bring about 0, fresh real rows the real value.",
    ),
    "information.gain": MeasureEntry(
        "Information gain",
        "How much does the generator say beyond the prompt?",
        "Noise has the most: only read it next to divergence and measured gain.",
    ),
    "information.marginal": MeasureEntry(
        "New information per row",
        "How much would a row of one more prompt say that no row says yet?",
        "The information gain that falls on new texts; it falls as the generator runs dry.",
    ),
    "information.prompt_lower": MeasureEntry(
        "Prompt information, at least",
        "How much does the output depend on which prompt was used?",
        "Lower end of the bracket; at most the logarithm of the number of prompts can be seen.",
    ),
    "information.prompt_upper": MeasureEntry(
        "Prompt information, at most",
        "How much can the output depend on which prompt was used?",
        "Upper end of the bracket; saturated when it exceeds the logarithm of the number of prompts.",
    ),
    "information.entropy": MeasureEntry(
        "Output entropy",
        "How unpredictable is what the generator says in total?",
        "The sum of information gain and prompt information.",
    ),
    "information.semantic": MeasureEntry(
        "Semantic entropy",
        "How much of the variety is meaning instead of wording?",
        "Only meaning is diversity; a lower bound, capped by the samples per prompt.",
    ),
    "information.bits_per_byte": MeasureEntry(
        "Bits per byte",
        "How surprising is the text to the scoring model?",
        "Lower is more predictable; compare with the real rows.",
    ),
    "novelty.surprisal": MeasureEntry(
        "Surprisal under your rows",
        "How surprising are the rows to a model of your real rows?",
        "Compare with held-out real rows: far above is foreign, far below is repetition.",
    ),
    "generation.divergence": MeasureEntry(
        "Divergence made by curation",
        "How far did filtering move the set from what the generator said?",
        "A strict filter is far from its generator; whether that helps is for the gain to say.",
    ),
    "gain.kl_gap": MeasureEntry(
        "KL gap of the student",
        "Does the student predict held-out real rows better with the synthetic rows?",
        "Positive is better, zero is no difference.",
        signed=True,
    ),
    "student.loss": MeasureEntry(
        "Loss on held-out real rows",
        "How hard are held-out real rows for the student of this arm?",
        "Lower is better; the gains are the differences, whose intervals are narrower because rows are shared.",
    ),
    "student.error": MeasureEntry(
        "Wrong labels or answers", "What fraction of held-out real rows does the student of this arm not meet?"
    ),
    "train.loss": MeasureEntry(
        "Loss of students on held-out real rows",
        "How did a student learn, and where was it stopped?",
        "The lowest point is what was kept; it is chosen on real rows, the gain is measured on the test.",
    ),
    "gain.rows_worth": MeasureEntry(
        "Rows worth",
        "How many real rows would bring the same?",
        "Negative for harm; from real rows alone it is an extrapolation.",
        signed=True,
    ),
    "gain.alpha": MeasureEntry(
        "Slope of the learning curve", "How fast does the loss fall with more rows?", "A larger value falls faster."
    ),
    "gain.floor": MeasureEntry(
        "Floor of the learning curve",
        "Where does the loss end with unlimited rows of this generator?",
        "A high floor asks for another generator, not for more rows.",
    ),
    "gain.generator_spread": MeasureEntry(
        "Spread between generators",
        "How much would the gain change with another seed, prompt or model?",
        "Part of the doubt of every statement about the recipe.",
    ),
    "utility.total": MeasureEntry(
        "Utility",
        "How much worse or better than real rows does it train?",
        "Positive: the synthetic rows train better than the real ones.",
        signed=True,
    ),
    "utility.input_shift": MeasureEntry(
        "Utility lost to inputs", "How much is due to different texts?", "Negative costs utility.", signed=True
    ),
    "utility.label_error": MeasureEntry(
        "Utility lost to labels", "How much is due to different labels?", "Negative costs utility.", signed=True
    ),
    "utility.interaction": MeasureEntry(
        "Utility: order of swapping", "How much depends on what is swapped first?", "Large: read the parts with care."
    ),
    "gain.budget": MeasureEntry(
        "Fraction of the doubt", "Where does the variance of the gain come from?", "The largest says what to buy next."
    ),
    "gain.rank_agreement": MeasureEntry(
        "Agreement of learners",
        "Do other learners put the arms in the same order?",
        "1 is the same order; below .5 the gain is a matter of the learner.",
    ),
    "gain.ten_times": MeasureEntry(
        "Ten times more rows",
        "What would ten times more rows of this generator bring?",
        "A forecast by the learning curve.",
        signed=True,
    ),
    "ggmi.ld_cmi": MeasureEntry(
        "Generalization information",
        "How much do the losses give away about which rows were trained on?",
        "Read against the shuffled range; it bounds the gap on synthetic rows, not on your task.",
    ),
    "ggmi.e_cmi": MeasureEntry("The same from both losses", "How much do the two losses of a pair give away?"),
    "ggmi.f_cmi": MeasureEntry("The same from predictions", "How much do the two predictions of a pair give away?"),
    "ggmi.difference": MeasureEntry(
        "GGMI",
        "How much less does a learner of synthetic rows give away of its rows than one of the real rows?",
        "A set that teaches nothing has the largest: read the measured gain.",
        signed=True,
    ),
    "ggmi.gap": MeasureEntry(
        "Measured gap", "How much more often does it err on fresh rows of its own kind?", signed=True
    ),
    "ggmi.error": MeasureEntry(
        "Error on fresh rows of its own kind", "How often does it err on rows it did not learn?"
    ),
    "ggmi.bound_ld": MeasureEntry("Bound of the gap, loss difference", "How large can the gap be?"),
    "ggmi.bound_e": MeasureEntry("Bound of the gap, both losses", "How large can the gap be?"),
    "ggmi.bound_f": MeasureEntry("Bound of the gap, predictions", "How large can the gap be?"),
    "mix.share": MeasureEntry(
        "Share in the best mixture", "How much of it should the mixture hold?", "Wide intervals: it hardly matters."
    ),
    "mix.gain": MeasureEntry(
        "Gain of the best mixture",
        "How much lower is the loss than that of the rival?",
        "Positive is better.",
        signed=True,
    ),
    "mix.loss": MeasureEntry("Predicted loss", "What loss would a run of this mixture have?"),
    "mix.error": MeasureEntry("Error of the regression", "How far off is a predicted loss of a fresh run?"),
    "mix.rank_correlation": MeasureEntry(
        "Order of mixtures", "Are mixtures put in the order of their losses?", "1 is the same order, 0 is chance."
    ),
    "compare.rank": MeasureEntry(
        "Rank",
        "Which place does the set have among those compared?",
        "1 is the best; the interval holds every place that cannot be excluded.",
    ),
    "loop.distinct_fraction": MeasureEntry(
        "Still distinct",
        "How much stays different when the generator eats its own output?",
        "A falling share is collapse.",
    ),
    "loop.coverage": MeasureEntry("Real 4-grams still said", "How much of what real rows say is still said?"),
    "loop.tail_coverage": MeasureEntry(
        "Rare words still said", "How many of the rare words of real rows are still said?"
    ),
    "loop.divergence": MeasureEntry(
        "Further from real rows", "How much harder are real rows for a model of the generation?", signed=True
    ),
    "loop.loss_ratio_distinct_fraction": MeasureEntry(
        "Loss next to full replacement", "How much of the loss is left with real rows in every generation?"
    ),
    "loop.loss_ratio_coverage": MeasureEntry(
        "Loss of coverage next to full replacement", "How much of the loss is left with real rows in every generation?"
    ),
    "repair.increase": MeasureEntry(
        "Loss increase by the set",
        "How much harder are real rows for a model trained on the set alone?",
        "Above 0 the set overwrites what the model knew.",
        signed=True,
    ),
    "repair.removed": MeasureEntry(
        "Increase removed",
        "Which fraction of the loss increase does the repair remove, or the prevention avoid?",
        "1 is the untrained model again; above 1 the real rows taught something besides.",
    ),
    "repair.added": MeasureEntry(
        "Removed on top of replay",
        "What does the forgetting loss remove that replay does not?",
        "An interval with 0 in it: replay did the work.",
        signed=True,
    ),
    "repair.left": MeasureEntry(
        "Left by the set after repair",
        "How much harder are real rows than for a model that saw the replayed rows alone?",
        signed=True,
    ),
    "pattern.template_share": MeasureEntry(
        "Answers with the template", "How often does the model open as the set does?"
    ),
    "pattern.opening_entropy": MeasureEntry("Entropy of first words", "How different are the openings of answers?"),
    "pattern.format": MeasureEntry(
        "Answers in format", "How often is a word said, and the turn ended as it should be?"
    ),
    "pattern.real_loss": MeasureEntry("Loss on real rows", "How hard are the responses of held-out real rows?"),
}
