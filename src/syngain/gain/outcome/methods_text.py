"""Paragraphs for the report on how a gain was computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syngain.data.columns.targets import NUMERIC, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.gain.design.layout import GainLayout
    from syngain.gain.outcome.estimates import GainEstimates
    from syngain.gain.proxies.frozen import FrozenReader

CONTROLS = (
    "Every variant chooses its penalty on real rows that it was not trained on. The oversampling control repeats, in "
    "place of every synthetic row, the real row it was made from. Class weights give all classes equal weight."
)


_VARIANTS = {
    "anchors": "real rows",
    "both": "real + synthetic rows",
    "synthetic": "synthetic rows only",
    "duplicated": "oversampling control",
}


TARGETS = {
    Target.NUMBER: "a ridge regression with a Gaussian of learned scale; its log-loss is that of the density, and "
    "gains do not depend on the unit of the number",
    Target.ORDINAL: "a ridge regression with a Gaussian of learned scale, cut midway between the scores",
    Target.LABELS: "a ridge regression of all labels with a calibrated probability of each; the log-loss of a row is "
    "the sum over its labels",
    Target.TAGS: "a log-linear tagger on word, affixes, shape and neighbors of each token; the log-loss is that of a "
    "token",
    Target.TRIPLETS: "a linear scorer of the similarity of query and candidate, n-grams and style; its log-loss is "
    "that of the softmax over the positive and the negative candidates of a row",
}


def explained(found: GainEstimates, ground: GainLayout, thinned: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Heading and paragraph pairs; ``thinned`` names what was subsampled."""
    less = f"Measured on {' and '.join(thinned)} to save time; `syngain gain` uses more."
    if ground.reader is not None:
        less = f"Measured on {' and '.join(thinned)}, which are read in --minutes; more minutes read more rows."
    paragraphs = {
        "Proxy": _proxy(found, ground),
        "Subsample": less if thinned else "",
        "Labels": _one_sided(ground) if ground.labeled else "",
        "Lineage": _lineage(ground),
        "Forecast": _forecast(found, ground),
        "Intervals": _intervals(found),
        "Controls": CONTROLS,
        "Verdict": (
            f"Equivalence test on {found.metric}, fixed in advance: a gain if the 90% interval is above 0, harm if "
            f"it is below 0, no gain if it is below {found.min_gain:g}, else inconclusive. The number of rows is "
            "chosen on other real rows than those it is evaluated on."
        ),
    }
    return tuple((heading, text) for heading, text in paragraphs.items() if text)


def _proxy(found: GainEstimates, ground: GainLayout) -> str:
    linear = "a multinomial logistic regression on the audit's embeddings"
    labeled = linear if ground.linear else "gradient boosting"
    compared = "a Bradley-Terry model on differences between the two responses: their n-grams, length and style"
    unlabeled = compared if ground.preferences else "an interpolated n-gram language model over bytes"
    if ground.reader is not None:
        model = ground.reader.model
        return f"The proxy model is {model}, frozen, with a trained low-rank correction. It is not your model."
    learner = labeled if ground.labeled else TARGETS.get(ground.target, unlabeled)
    if ground.target in NUMERIC and not ground.synthetic.sides:
        learner += ", with radial features of the columns"
    unsettled = found.forecaster.unsettled
    names = ", ".join(_VARIANTS.get(name, name) for name in unsettled)
    tail = f" It did not converge for: {names}." if unsettled else ""
    return f"The proxy model is {learner}. It is not your model.{tail}"


def frozen_model(reader: FrozenReader, read: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
    """The frozen model, the unit of its numbers, and what they do not say; ``read``: its part of larger files."""
    head = reader.head
    text = (
        f"{reader.model} reads every row once; its weights never change. Trained are a low-rank correction of "
        f"its last hidden states (rank {head.rank}) and a bias per token, on {reader.max_tokens} tokens per row "
        f"at most. Learning rate and number of steps are chosen on held-out real rows, for real rows alone as for all "
        f"others; the frozen model itself is one of the choices. Unit: nats per token of the tokenizer of "
        f"{reader.model}. {UNCALIBRATED}" + (f" It read {' and '.join(read)}, to fit --minutes." if read else "")
    )
    return (("Frozen model", text),)


UNCALIBRATED = "These gains are not calibrated on fine-tuned models yet; `--proxy lm` fine-tunes one."


def price_of_sample(found: GainEstimates) -> tuple[tuple[str, str], ...]:
    """How much wider the interval is because synthetic rows were sampled; empty where they were not."""
    forecaster = found.forecaster
    most = min(trial.most for trial in forecaster.experiment.trials)
    if forecaster.rows <= most:
        return ()
    here = forecaster.error(forecaster.amount(found.metric, len(forecaster.experiment.trials[0].levels) - 1))
    wider = forecaster.error(forecaster.all_rows(found.metric)) / here if here > 0 else 1.0
    text = (
        f"The gain of all {forecaster.rows:,} synthetic rows is extrapolated from {most:,} of them: its interval is "
        f"{wider:.1f} times as wide as that of {most:,} rows. More --minutes read more rows."
    )
    return (("Price of the sample", text),)


def _one_sided(ground: GainLayout) -> str:
    """Labels of the real rows only, or of the synthetic rows only."""
    ours, theirs = set(ground.anchor_labels.tolist()), set(ground.synthetic_label.tolist())
    out = []
    if extra := sorted(theirs - ours):
        rows = int(np.isin(ground.synthetic_label, extra).sum())
        out.append(
            f"{rows:,} synthetic rows have labels that no real row has ({_listed(ground, extra)}). Their benefit "
            "cannot be measured, and they take probability from the other labels."
        )
    if absent := sorted(ours - theirs):
        out.append(f"No synthetic row has the labels {_listed(ground, absent)} of the real rows.")
    return " ".join(out)


def _listed(ground: GainLayout, codes: Sequence[int]) -> str:
    names = [ground.names[code] for code in codes[:5]]
    return ", ".join(names) + (" ..." if len(codes) > len(names) else "")


def _lineage(ground: GainLayout) -> str:
    known = ground.lineage.known
    if not known:
        return "No source column: rows may have been made from held-out real rows, so the gain may be overestimated."
    return f"The source of {known:.0%} of the rows is known. Rows made from a held-out real row are held out with it."


def _forecast(found: GainEstimates, ground: GainLayout) -> str:
    trial = found.forecaster.experiment.trials[0]
    sizes = ", ".join(f"{size:.0f}" for size in trial.sizes)
    return (
        f"{int(trial.fold.max()) + 1} folds over groups of real rows; training sizes of {sizes} real rows; at most "
        f"{trial.most:,} synthetic rows per variant. The gain is extrapolated to all {ground.anchors.size:,} real rows "
        f"(a + b / m) and all {found.rows:,} synthetic rows (in the logarithm). @raw is without extrapolation."
    )


def _intervals(found: GainEstimates) -> str:
    trial = found.forecaster.experiment.trials[0]
    factor = found.forecaster.inflation(found.metric)
    how = "Nadeau and Bengio's constant" if trial.pairs is None else "measured by leaving out pairs of folds"
    return (
        f"Prediction intervals are for the gain measured on a fresh test of {found.forecaster.test_rows:,} rows; "
        "@expected and the curves are for its expectation. The unit is the real row. Folds have training rows in "
        f"common, so the variance is {factor:.2f} times that of independent real rows ({how}); Student's t."
    )
