"""Entries of the measures of generated tables."""

from __future__ import annotations

from syngain.report.entries.entry import MeasureEntry

TABLES = {
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
    "table.copies": MeasureEntry(
        "Copies of rows of the model",
        "What fraction of rows equals a real row that the model has seen?",
        "Compare with the fraction that equals an unseen real row: coincidence.",
    ),
}
