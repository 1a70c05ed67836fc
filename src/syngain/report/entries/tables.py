"""Entries of the measures of generated tables."""

from __future__ import annotations

from syngain.report.entries.entry import MeasureEntry

TABLES = {
    "profile.easy": MeasureEntry(
        "Easy rows",
        "What fraction of labels do models expect that have not seen the row?",
        "Mean probability of the label of at least 75%.",
    ),
    "profile.ambiguous": MeasureEntry(
        "Ambiguous rows",
        "What fraction of labels is open to models that have not seen the row?",
        "Classes overlap there, or rows are rare: not a defect.",
    ),
    "profile.hard": MeasureEntry(
        "Hard rows",
        "What fraction of labels contradicts models that have not seen the row?",
        "Mean probability of the label of at most 25%: wrong labels, or rare kinds of rows.",
    ),
    "profile.wrong_labels": MeasureEntry(
        "Wrong labels, where the class is sure",
        "What fraction of labels is wrong where models are surest of the class?",
        "About the fraction of wrong labels everywhere, if they do not depend on the row.",
    ),
    "table.entropy": MeasureEntry(
        "Entropy of a generated row",
        "How many nats does a generated row hold, to the last decimal?",
        "Lower than at temperature 1: rows are more alike.",
    ),
    "table.separability": MeasureEntry(
        "Separability from unseen real rows",
        "How well do boosted trees separate synthetic rows from real rows that the model has not seen?",
        "50%: not at all; 100%: always. Near 50% the rows look real to trees over all columns.",
    ),
    "table.nearer": MeasureEntry(
        "Nearer to a row of the model",
        "What fraction of rows is nearer to a row the model has seen than to an unseen one?",
        "50%: nothing is memorized; 100%: every row is close to a row of the model.",
    ),
    "stress.error": MeasureEntry(
        "Errors out of fold",
        "What fraction of real rows does a classifier label wrongly that has not seen them?",
    ),
    "stress.regime": MeasureEntry(
        "Errors in a regime",
        "What fraction of real rows of this rule does the classifier label wrongly?",
        "Rows that the search for the rule did not see; compare with the fraction elsewhere.",
    ),
    "stress.agreement": MeasureEntry(
        "Agreement on rows of the tails",
        "How often do classifiers of two halves of the real rows give a row of the tails one label?",
        "Far below the agreement on typical rows, the labels of the tails are guesses.",
    ),
    "stress.macro_f1": MeasureEntry("Macro-F1 of real rows alone", "How well does a classifier of real rows do?"),
    "stress.gain": MeasureEntry(
        "Change by rows of the tails",
        "How much better is a classifier with rows of the tails than with real rows alone?",
        "Not clipped: an interval around 0 shows no change, below 0 harm.",
        signed=True,
    ),
    "stress.typical_gain": MeasureEntry(
        "Change by typical rows",
        "How much better is a classifier with as many typical drawn rows than with real rows alone?",
        signed=True,
    ),
    "stress.over_typical": MeasureEntry(
        "Rows of the tails over typical rows",
        "How much better is a classifier with rows of the tails than with as many typical rows?",
        signed=True,
    ),
    "balance.over_plain": MeasureEntry(
        "Balanced rows over real rows alone",
        "How much better is a classifier with the chosen way of balancing than with real rows alone?",
        "The way is chosen by inner folds and measured on outer ones: the choice is paid for.",
        signed=True,
    ),
    "balance.over_duplication": MeasureEntry(
        "Balanced rows over duplication",
        "How much better is a classifier with the chosen way of balancing than with rows repeated?",
        "Above 0: the rows hold more than the weight of their class.",
        signed=True,
    ),
    "balance.macro_f1": MeasureEntry(
        "Macro-F1 on held-out real rows", "How well does a classifier do, all classes counted equally?"
    ),
    "balance.log_loss": MeasureEntry(
        "Log-loss on held-out real rows",
        "How little probability does a classifier give the class of held-out real rows?",
        "Lower is better; classes are as frequent as in the real rows.",
    ),
    "balance.best": MeasureEntry(
        "Best of the variants",
        "In what fraction of resamplings of the rows is this variant the best?",
        "100%: sure; equal fractions: the variants cannot be ranked with these rows.",
    ),
    "balance.nearer": MeasureEntry(
        "Nearer to a row they were made from",
        "What fraction of added rows is nearer to a row they were made from than to an unseen one?",
        "50%: nothing is memorized; 100%: every row is close to one it was made from.",
    ),
    "balance.copies": MeasureEntry(
        "Copies of rows they were made from",
        "What fraction of added rows equals a real row they were made from?",
        "Compare with the fraction that equals an unseen real row: coincidence.",
    ),
    "table.copies": MeasureEntry(
        "Copies of rows of the model",
        "What fraction of rows equals a real row that the model has seen?",
        "Compare with the fraction that equals an unseen real row: coincidence.",
    ),
}
