"""Name, question and reading of each measure: the entries of the catalog."""

from __future__ import annotations

from syngain.report.entries.entry import MeasureEntry
from syngain.report.entries.row_checks import ROW_CHECKS
from syngain.report.entries.strategies import STRATEGIES
from syngain.report.entries.tables import TABLES

MEASURES = {
    **ROW_CHECKS,
    **TABLES,
    **STRATEGIES,
    "duplicates.exact_fraction": MeasureEntry(
        "Exact duplicates",
        "What fraction of synthetic rows repeats another row exactly?",
        "Duplicates cost training time and add nothing; real data has a few.",
    ),
    "duplicates.near_fraction": MeasureEntry(
        "Near-duplicates",
        "What fraction of synthetic rows repeats another row with small changes?",
        "Compare with the expected range: short texts repeat by chance.",
    ),
    "size.effective": MeasureEntry(
        "Distinct rows",
        "How many synthetic rows are left when near-duplicates count once?",
        "Far below the number of rows means much repetition.",
    ),
    "divergence.tv_lower": MeasureEntry(
        "Total variation (lower bound)",
        "How different are real and synthetic rows, from 0% to 100%?",
        "What a classifier detects; the true distance may be larger.",
    ),
    "divergence.js_lower": MeasureEntry(
        "Jensen-Shannon divergence (lower bound)",
        "How much does one row reveal about being real or synthetic?",
        "0 nats is the same distribution, 0.693 nats (ln 2) is no overlap.",
    ),
    "divergence.mmd2": MeasureEntry(
        "Maximum mean discrepancy, squared",
        "Do the mean embeddings of real and synthetic rows differ?",
        "Near 0 where they agree, slightly negative by chance; read it by its p-value.",
    ),
    "fidelity.density": MeasureEntry(
        "Density",
        "Do synthetic rows lie where real rows are dense?",
        "Only meaningful against the expected range.",
    ),
    "fidelity.coverage": MeasureEntry(
        "Coverage",
        "What fraction of real rows has a synthetic row nearby?",
        "Low values point to uncovered clusters.",
    ),
    "fidelity.missing_mass": MeasureEntry(
        "Uncovered clusters",
        "What fraction of real rows lies in clusters with under a fifth of the expected synthetic rows?",
        "0% means that every cluster of real rows is covered; the map shows the others as rings.",
    ),
    "fidelity.off_support": MeasureEntry(
        "Out of distribution",
        "What fraction of synthetic rows is unlike any real row?",
        "Real rows give the expected range; more may be novelty or nonsense: inspect examples.",
    ),
    "fidelity.marginals": MeasureEntry(
        "Largest column difference",
        "How different is the column that differs most?",
        "0% is the same distribution, 100% is no overlap; agreeing columns do not imply sensible rows.",
    ),
    "relations.recovered": MeasureEntry(
        "Word pairs recovered",
        "What fraction of word pairs of real rows occurs in synthetic rows?",
        "Compare with fresh real rows of the same number; few pairs repeat in small samples.",
    ),
    "diversity.vendi": MeasureEntry(
        "Vendi diversity score",
        "How many clearly different kinds of rows are there, at a fixed sample size?",
        "Compare with real rows of the same number, not with other reports.",
    ),
    "diversity.new_fraction": MeasureEntry(
        "New rows per additional prompt",
        "What fraction of the rows of one more prompt would be new?",
        "A low value means that more rows from the same recipe add little.",
    ),
    "novelty.copy_fraction": MeasureEntry(
        "Copies of real rows",
        "What fraction of synthetic rows copies a real row?",
        "Compare with how often real rows copy each other.",
    ),
    "novelty.distance_ratio": MeasureEntry(
        "Distance to real rows, ratio",
        "Are synthetic rows closer to the real rows than fresh real rows are?",
        "1 is like fresh real rows; well below 1 suggests memorization.",
    ),
    "contamination.test_fraction": MeasureEntry(
        "Test contamination",
        "What fraction of test rows appears in the synthetic data?",
        "Compare with the real rows' own rate; contamination inflates test scores.",
    ),
    "contamination.benchmark_fraction": MeasureEntry(
        "Benchmark contamination",
        "What fraction of synthetic rows matches an item of a public benchmark?",
        "Compare with the real rows' own rate; scores on these benchmarks would be inflated.",
    ),
    "labels.synthetic_agreement": MeasureEntry(
        "Agreement with synthetic labels",
        "How often does a classifier trained on real rows agree with the synthetic labels?",
        "Far below the expected range means wrong or shifted labels.",
    ),
    "labels.real_recovery": MeasureEntry(
        "Real accuracy, synthetic-trained",
        "How accurate is a classifier trained on synthetic rows, on real rows?",
        "Compare with classifiers trained on as many real rows.",
    ),
    "labels.inner_signal": MeasureEntry(
        "Labels predictable from text",
        "Do the synthetic labels follow from the synthetic rows (Cohen's kappa)?",
        "0 is random labels, 1 is fully predictable; compare with the real rows.",
    ),
    "labels.leak_fraction": MeasureEntry(
        "Label written in the text",
        "What fraction of rows contains its own label in words?",
        "A shortcut: a model learns the word instead of the task.",
    ),
    "labels.missing_mass": MeasureEntry(
        "Under-represented classes",
        "What fraction of real rows has a label with under a fifth of its expected synthetic rows?",
        "0% means that every class is represented.",
    ),
    "uniformity.opening_share": MeasureEntry(
        "Most common opening",
        "What fraction of rows starts with the same words?",
        "Compare with the real rows; templates share an opening.",
    ),
    "uniformity.template_entropy": MeasureEntry(
        "Entropy of sentence templates",
        "How varied are sentence patterns once content words are masked?",
        "Below the expected range means one template with many fillings.",
    ),
    "uniformity.length_overlap": MeasureEntry(
        "Overlap of lengths",
        "Are synthetic rows as long as real rows?",
        "100% is the same distribution of lengths.",
    ),
    "information.compression_gain": MeasureEntry(
        "Compression novelty",
        "How many new bytes does each synthetic byte add, given the real rows?",
        "Duplicates add about 0; fresh real rows give the expected range.",
    ),
    "information.gain": MeasureEntry(
        "Entropy given the prompt",
        "How much does the generator add beyond the prompt?",
        "Noise has the most: read it next to divergence and training gain.",
    ),
    "information.marginal": MeasureEntry(
        "New information per row",
        "How much information would one more prompt add that no row has yet?",
        "Falls as the generator repeats itself.",
    ),
    "information.prompt_lower": MeasureEntry(
        "Prompt information (lower bound)",
        "How much does the output depend on the prompt, at least?",
        "Cannot exceed the logarithm of the number of prompts.",
    ),
    "information.prompt_upper": MeasureEntry(
        "Prompt information (upper bound)",
        "How much can the output depend on the prompt, at most?",
        "Saturated when it exceeds the logarithm of the number of prompts.",
    ),
    "information.entropy": MeasureEntry(
        "Output entropy",
        "How unpredictable is the output in total?",
        "The sum of entropy given the prompt and prompt information.",
    ),
    "information.semantic": MeasureEntry(
        "Semantic entropy",
        "How much of the variety is meaning instead of wording?",
        "A lower bound, limited by the samples per prompt.",
    ),
    "information.bits_per_byte": MeasureEntry(
        "Bits per byte",
        "How surprising is the text to the scoring model?",
        "Lower is more predictable; compare with the real rows.",
    ),
    "novelty.surprisal": MeasureEntry(
        "Surprisal under the real rows",
        "How surprising are the rows to a model of your real rows?",
        "Far above held-out real rows is out of distribution, far below is repetition.",
    ),
    "generation.divergence": MeasureEntry(
        "Divergence caused by curation",
        "How far did filtering move the rows from the generator's output?",
        "A strict filter moves far; only the training gain shows whether it helps.",
    ),
    "gain.kl_gap": MeasureEntry(
        "KL gap of the student",
        "Does the student predict held-out real rows better with the synthetic rows?",
        "Difference of Kullback-Leibler divergences; + is better, 0 is no difference.",
        signed=True,
    ),
    "student.loss": MeasureEntry(
        "Loss on held-out real rows",
        "What loss does the student of this variant have on held-out real rows?",
        "Lower is better. Gains are paired differences, with narrower intervals.",
    ),
    "student.error": MeasureEntry(
        "Wrong labels or responses",
        "What fraction of held-out real rows does the student get wrong?",
        "Lower is better.",
    ),
    "train.loss": MeasureEntry(
        "Validation loss of the students",
        "How did a student learn, and where was it stopped?",
        "The lowest point is kept; it is chosen on real rows, the gain is measured on the test rows.",
    ),
    "gain.rows_worth": MeasureEntry(
        "Equivalent real rows",
        "How many more real rows would give the same gain?",
        "Negative for harm; without a test set it is an extrapolation.",
        signed=True,
    ),
    "gain.alpha": MeasureEntry(
        "Learning curve exponent", "How fast does the loss fall with more rows?", "A larger value falls faster."
    ),
    "gain.floor": MeasureEntry(
        "Learning curve floor",
        "What loss remains with unlimited rows of this generator?",
        "A high floor needs another generator, not more rows.",
    ),
    "gain.generator_spread": MeasureEntry(
        "Spread between generators",
        "How much would the gain change with another seed, prompt or model?",
        "Part of the uncertainty of every statement about the recipe.",
    ),
    "utility.total": MeasureEntry(
        "Utility of replacing real rows",
        "How much better or worse do synthetic rows train than as many real rows?",
        "+ is better than real rows.",
        signed=True,
    ),
    "utility.input_shift": MeasureEntry(
        "Utility change from inputs", "How much is due to different inputs?", "Negative costs utility.", signed=True
    ),
    "utility.label_error": MeasureEntry(
        "Utility change from labels", "How much is due to different labels?", "Negative costs utility.", signed=True
    ),
    "utility.interaction": MeasureEntry(
        "Utility, order of swapping",
        "How much depends on what is swapped first?",
        "Where it is large, the two parts are not separable.",
    ),
    "gain.budget": MeasureEntry(
        "Variance share",
        "Where does the variance of the gain come from?",
        "The largest source is what to add next: real rows, test rows or seeds.",
    ),
    "gain.rank_agreement": MeasureEntry(
        "Agreement of proxy models",
        "Do other proxy models rank the variants in the same order?",
        "1 is the same order; below 0.5 the gain depends on the model.",
    ),
    "gain.ten_times": MeasureEntry(
        "Gain of ten times more rows",
        "What would ten times more rows of this generator add?",
        "A forecast from the learning curve.",
        signed=True,
    ),
    "ggmi.ld_cmi": MeasureEntry(
        "Memorization, loss differences",
        "How much do loss differences reveal about which rows were trained on?",
        "Conditional mutual information (CMI). It bounds the generalization gap on synthetic rows, not on your task.",
    ),
    "ggmi.e_cmi": MeasureEntry(
        "Memorization, both losses",
        "How much do the two losses of a pair reveal about which row was trained on?",
        "Evaluated conditional mutual information (e-CMI); compare with the expected range.",
    ),
    "ggmi.f_cmi": MeasureEntry(
        "Memorization, predictions",
        "How much do the two predictions of a pair reveal about which row was trained on?",
        "Functional conditional mutual information (f-CMI); compare with the expected range.",
    ),
    "ggmi.difference": MeasureEntry(
        "GGMI (generalization gain via mutual information)",
        "How much less does a model memorize synthetic rows than real rows?",
        "Rows without any content have the largest GGMI: read it next to the training gain.",
        signed=True,
    ),
    "ggmi.gap": MeasureEntry(
        "Generalization gap",
        "How much more often does a model err on fresh rows than on its training rows?",
        "0 is no gap.",
        signed=True,
    ),
    "ggmi.error": MeasureEntry("Test error, own kind of rows", "How often does a model err on rows it did not see?"),
    "ggmi.bound_ld": MeasureEntry("Bound on the gap, loss differences", "How large can the generalization gap be?"),
    "ggmi.bound_e": MeasureEntry("Bound on the gap, both losses", "How large can the generalization gap be?"),
    "ggmi.bound_f": MeasureEntry("Bound on the gap, predictions", "How large can the generalization gap be?"),
    "mix.share": MeasureEntry(
        "Mixture weight", "What fraction of the best mixture is it?", "A wide interval means that it hardly matters."
    ),
    "mix.alone": MeasureEntry(
        "Gain alone",
        "How much lower is the loss of this dataset alone than of real rows alone?",
        "+ is better.",
        signed=True,
    ),
    "mix.gain": MeasureEntry(
        "Gain of the best mixture",
        "How much lower is its loss than that of the baseline?",
        "+ is better.",
        signed=True,
    ),
    "mix.loss": MeasureEntry("Predicted loss", "What loss would a run of this mixture have?"),
    "mix.error": MeasureEntry("Prediction error", "How far off is the predicted loss of a fresh run?"),
    "mix.rank_correlation": MeasureEntry(
        "Rank correlation of mixtures", "Are mixtures ranked by their losses?", "1 is the same order, 0 is chance."
    ),
    "compare.rank": MeasureEntry(
        "Rank",
        "Which rank does the dataset have?",
        "1 is the best; the interval holds every rank that cannot be excluded.",
    ),
    "loop.distinct_fraction": MeasureEntry(
        "Distinct 4-grams kept",
        "What fraction of distinct 4-grams survives recursive training?",
        "A falling fraction is model collapse.",
    ),
    "loop.coverage": MeasureEntry("Real 4-grams kept", "What fraction of the 4-grams of real rows is still generated?"),
    "loop.tail_coverage": MeasureEntry(
        "Rare words kept", "What fraction of the rare words of real rows is still generated?"
    ),
    "loop.divergence": MeasureEntry(
        "Divergence from real rows", "How much more surprising are real rows to this generation?", signed=True
    ),
    "loop.loss_ratio_distinct_fraction": MeasureEntry(
        "Diversity loss versus full replacement", "What fraction of the loss remains with real rows in each generation?"
    ),
    "loop.loss_ratio_coverage": MeasureEntry(
        "Coverage loss versus full replacement", "What fraction of the loss remains with real rows in each generation?"
    ),
    "repair.increase": MeasureEntry(
        "Loss increase from the synthetic rows",
        "How much more surprising are real rows after training on synthetic rows alone?",
        "Above 0 the synthetic rows overwrite what the model knew.",
        signed=True,
    ),
    "repair.removed": MeasureEntry(
        "Loss increase removed",
        "What fraction of the loss increase does the repair remove?",
        "100% is the untrained model again; above 100% the real rows added something.",
    ),
    "repair.added": MeasureEntry(
        "Removed beyond replay",
        "How much does the forgetting loss remove beyond replay?",
        "An interval that contains 0: replay explains the repair.",
        signed=True,
    ),
    "repair.left": MeasureEntry(
        "Loss increase left after repair",
        "How much more surprising are real rows than to a model that saw replayed rows only?",
        signed=True,
    ),
    "retain.loss": MeasureEntry("Loss on other real rows", "How surprising are real responses of other kinds?"),
    "retain.change": MeasureEntry(
        "Loss increase on other real rows",
        "How much more surprising are real rows of other kinds than before training?",
        "Above 0 the model forgets; the recommended variant is chosen on other rows than these.",
        signed=True,
    ),
    "retain.format": MeasureEntry(
        "Form of answers to other real prompts",
        "How often has an answer the form of the real response, corrected for chance?",
        "1 is always, 0 is as often as by chance.",
    ),
    "retain.gain": MeasureEntry(
        "Gain on real rows",
        "How much less surprising are held-out real rows than before training?",
        "Of the half of the rows that did not choose the variant.",
        signed=True,
    ),
    "pattern.template_share": MeasureEntry(
        "Responses with the template", "How often does the model start as the synthetic rows do?"
    ),
    "pattern.opening_entropy": MeasureEntry("Entropy of first words", "How varied are the openings of responses?"),
    "pattern.format": MeasureEntry(
        "Responses in format", "How often is a response given and ended as the format demands?"
    ),
    "pattern.real_loss": MeasureEntry("Loss on real rows", "How surprising are held-out real responses?"),
}
