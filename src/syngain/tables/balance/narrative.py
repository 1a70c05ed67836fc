"""What a comparison of balanced rows shows, in words: verdict, methods, warnings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.phrases import interval_words, percent, signed, two_digits
from syngain.core.result import Verdict
from syngain.data.rows import show, show_names
from syngain.tables.balance.variants import CELLS, DUPLICATION, KERNEL, NAMES, PLAIN, SMOTE, VARIANTS, WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syngain.tables.balance.balance import BalanceFound
    from syngain.tables.balance.settings import BalanceSettings

SURE = 0.9  # level of the interval that decides
FORMULAS = {
    PLAIN: "the real rows, once each",
    WEIGHTS: "the real rows, each class with the total weight of the largest one",
    DUPLICATION: "rows of the smaller classes again, each equally often",
    SMOTE: "numbers between a row and one of its 5 nearest neighbors of the class; categories of most neighbors",
    KERNEL: "a row plus normal noise with the covariance within classes, pooled; Silverman's bandwidth",
    CELLS: "rows that a cell model of all classes draws given the class",
}


def balance_verdict(found: BalanceFound) -> Verdict:
    """The chosen variant, what choosing gains over the real rows alone and over duplication, and how sure that is."""
    gain, name = found.over_plain, NAMES[found.choice]
    significant = found.choice != PLAIN and gain.intervals[SURE][0] > 0
    share = f"{name} is the best in {percent(found.best_share[found.choice])} of resamplings"
    folds = f"and was chosen in {found.picked[found.choice]} of {sum(found.picked.values())} outer folds"
    over, duplicated = gain.intervals[SURE], found.over_duplication
    changes = (
        f"The variant that inner folds choose changes macro-F1 by {signed(gain.value, 'pp')}, "
        f"{interval_words(over, 'pp')}, over real rows alone, and by "
        f"{signed(duplicated.value, 'pp')}, {interval_words(duplicated.intervals[SURE], 'pp')}, "
        "over duplication."
    )
    sentence = f"{changes} Of {len(VARIANTS)} variants, {share} {folds}."
    if significant:
        action = f"Balance with {name}: rows.csv holds the rows."
    elif found.choice == PLAIN:
        action = "Keep the real rows as they are: no variant is clearly better."
    else:
        action = f"Balancing is not significantly better than real rows alone; rows.csv follows {name}."
    return Verdict(
        decision="use" if significant else "cannot_tell",
        sentence=sentence,
        action=action,
        estimate="balance.over_plain",
        next_command="syngain explain RUN balance.over_plain",
        needs="" if significant else _needs(found),
    )


def _needs(found: BalanceFound) -> str:
    """Rows of the rarest class with which the measured gain would be significant."""
    gain = found.over_plain
    if found.choice == PLAIN or gain.value <= 0:
        return ""
    counts = np.bincount(found.task.y)
    half = gain.intervals[SURE][1] - gain.value
    rows = two_digits(math.ceil(int(counts.min()) * (half / gain.value) ** 2))
    return f"about {rows:,} rows of class {show(found.task.classes[int(counts.argmin())])}" if rows < 1e7 else ""


def balance_methods(found: BalanceFound, settings: BalanceSettings) -> Iterator[tuple[str, str]]:
    """How it was computed, as headed paragraphs."""
    task = found.task
    counts = np.bincount(task.y, minlength=len(task.classes))
    order = np.argsort(-counts, kind="stable")
    listed = ", ".join(f"{show(task.classes[c])} {counts[c]:,}" for c in order.tolist())
    yield "Classes", f"{task.label}: {listed}. Each is filled up to {counts.max():,} rows."
    yield "Variants", "; ".join(f"{name}: {FORMULAS[name]}" for name in VARIANTS) + "."
    yield (
        "Comparison",
        (
            f"{settings.folds} folds of {found.compared.size:,} real rows, drawn {settings.repeats} times; equal rows "
            f"stay in one fold. Proxy models: {' and '.join(settings.learners)}, whose mean decides. Variants are made "
            f"from the training rows of each fold, with equally many rows, or weight, per class. {_scored(settings)}"
        ),
    )
    yield (
        "Choice",
        (
            "For each outer fold a variant is chosen by macro-F1 on the other folds, from models without the outer "
            "fold and without the fold of the row. Its predictions of the outer fold enter the change of macro-F1. The "
            "variant of rows.csv is chosen over all outer folds in the same way: by its expected change over real rows "
            "alone, given its held-out change with its error and what variants gain on 11 other tables at such class "
            "fractions. With few rows of a class those tables decide, with many this file."
        ),
    )
    yield (
        "Interval",
        (
            "Rows are resampled within their classes, equal ones together. The variance is multiplied by "
            "1 + 1/(folds - 1), since training rows vary as well, and that of the partitions is added; Student's t "
            "with the rows of the rarest class less one as degrees of freedom."
        ),
    )
    if found.copies:
        yield (
            "Copies",
            (
                "Rows are made from one half of the real rows and compared with that half and the other, which have "
                "equal size in each class; 4 draws, with Student's t over the draws."
            ),
        )


def _scored(settings: BalanceSettings) -> str:
    """The class fractions that scores are for."""
    if settings.prior == "real":
        return "Scores are for class fractions of the real rows."
    if isinstance(settings.prior, str):
        return "Scores are for equal class fractions: held-out rows are weighted."
    listed = ", ".join(f"{show(name)} {percent(share)}" for name, share in settings.prior.items())
    return f"Scores are for class fractions {listed}: held-out rows are weighted."


def balance_warnings(found: BalanceFound) -> Iterator[str]:
    """What a reader of the rows must know."""
    task = found.task
    if task.left_out:
        yield f"{task.left_out:,} of {task.total:,} real rows left out: no class, or a class of fewer than 5 rows"
    if found.compared.size < task.rows:
        yield f"variants compared on {found.compared.size:,} of {task.rows:,} real rows, chosen at random"
    others = [name for name in task.cells if name not in task.features]
    if others and found.made is not None:
        yield f"{show_names(others)}: keys are new in added rows, and free text is empty unless a row is duplicated"
