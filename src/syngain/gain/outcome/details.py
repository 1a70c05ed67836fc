"""Details of ``gain``: classes, slices, generators, utility, other learners."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError
from syngain.core.progress import Progress, part_of
from syngain.data.columns.targets import Target
from syngain.gain.curves.real_row_value import more_of_it, worths
from syngain.gain.design.cross_validation import experiment
from syngain.gain.proxies.labels import LabelTask
from syngain.gain.proxies.targets import TargetTask
from syngain.gain.replacement import utility
from syngain.gain.subgroups import generator_gains, label_gains, part_gains, rank_agreement
from syngain.learners.linear import TunedDiscriminant
from syngain.learners.neighbors import Voting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags
    from syngain.core.estimate import Estimate
    from syngain.core.result import Series
    from syngain.core.rng import Streams
    from syngain.gain.design.layout import GainLayout
    from syngain.gain.outcome.estimates import GainEstimates
    from syngain.gain.proxies.labels import Classifier
    from syngain.gain.proxies.task import Task

COMPARED = 3  # amounts that other learners repeat
PARTS = 30  # more classes than this are not measured one by one


@dataclass(frozen=True)
class Details:
    """Estimates, series and paragraphs of methods."""

    estimates: Mapping[str, Estimate]
    series: Mapping[str, Series]
    computed: tuple[tuple[str, str], ...]


def details(
    found: GainEstimates,
    task: Task,
    layout: GainLayout,
    streams: Streams,
    *,
    slices: Sequence[str] = (),
    progress: Progress,
) -> Details:
    """Everything beyond the gain itself; ``slices`` are columns of the real rows.

    Raises:
        UsageError: a slice that is no column, or one of too many values.
    """
    metric = layout.metrics[0]
    out: dict[str, Estimate] = {}
    whole = found.forecaster.all_rows(metric)
    for kind, parts in _parts(layout, slices).items():
        out |= part_gains(found.forecaster, whole, metric, parts, kind=kind)
    if layout.target is Target.LABELS and isinstance(task, TargetTask):
        out |= label_gains(found.forecaster, task.names, layout.metrics)
    if layout.generators is not None:
        progress("generators", 0.8)
        names = sorted({str(name or "") for name in layout.synthetic.generators or ()})
        each, spread = generator_gains(task, layout, names, metric=metric, streams=streams.child("generators"))
        out |= {**each, "gain.generator_spread": spread}
    if isinstance(task, LabelTask):
        progress("utility", 0.85)
        out |= _utility(task, found, layout, streams)
        progress("other learners", 0.92)
        out["gain.rank_agreement"] = _agreement(task, found, layout, streams)
    most = found.forecaster.experiment.design.most
    worth, series = worths(
        task, layout, streams.child("worth"), metric=metric, most=most, progress=part_of(progress, 0.93, 0.99)
    )
    more = more_of_it(found.forecaster, metric, streams.child("more"), found.min_gain)
    if more is None:
        return Details(out | worth, series, ())
    improvement = None if more.verdict == "refused" else more.improvement
    law = {"gain.ten_times": improvement, "gain.alpha": more.alpha, "gain.floor": more.floor}
    known = {name: item for name, item in law.items() if item is not None}
    return Details({**out, **worth, **known}, series, (("More rows", more.sentence),))


def _utility(task: LabelTask, found: GainEstimates, layout: GainLayout, streams: Streams) -> dict[str, Estimate]:
    parts = utility(task, layout.lineage, streams.child("utility"))
    say = found.forecaster.estimate
    estimands = {
        "total": "real rows replaced by as many synthetic rows",
        "input_shift": "the part due to different inputs, averaged over both orders of swapping",
        "label_error": "the part due to different labels, averaged over both orders of swapping",
    }
    out = {f"utility.{name}": say(getattr(parts, name), "log_loss", text) for name, text in estimands.items()}
    out["utility.interaction"] = say(parts.interaction, "log_loss", "difference between the two orders of swapping")
    return out


def _agreement(task: LabelTask, found: GainEstimates, layout: GainLayout, streams: Streams) -> Estimate:
    """The variants of the first trial with two other learners, on the same folds."""
    ours = found.forecaster.experiment
    design = replace(ours.design, repeats=1, amounts=COMPARED, shares=(1.0,), balanced=False, pairs=False)
    others: dict[str, Classifier] = {"discriminant": TunedDiscriminant(), "neighbors": Voting()}
    runs = {
        name: experiment(replace(task, learner=learner), layout.lineage, streams, design=design)
        for name, learner in others.items()
    }
    name = type(task.learner).__name__.lower()
    return rank_agreement({**runs, name: ours}, layout.anchor_labels, found.metric, streams)


def _parts(layout: GainLayout, slices: Sequence[str]) -> dict[str, dict[str, Flags]]:
    """Parts of the real rows: classes, thirds by length, requested columns."""
    out: dict[str, dict[str, Flags]] = {}
    label, real = layout.anchor_labels, layout.study.real
    if layout.labeled and np.unique(label).size <= PARTS:
        out["class"] = {layout.names[code]: label == code for code in np.unique(label)}
    if real.sides:
        length = np.array([len(text) for text in layout.study.texts("real")])
        low, high = np.quantile(length, [1 / 3, 2 / 3])
        out["length"] = {"short": length <= low, "medium": (length > low) & (length <= high), "long": length > high}
    for column in slices:
        values = np.array([str(record.get(column)) for record in real.records])
        names = np.unique(values)
        if names.size > PARTS or all(column not in record for record in real.records):
            raise UsageError(
                f"--slice {column}: {names.size} different values" if names.size > PARTS else f"no column {column}",
                expected=f"a column of {real.name} with at most {PARTS} values",
                todo="name another column with --slice",
            )
        out[column] = {str(name): values == name for name in names}
    return out
