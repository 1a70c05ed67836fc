"""Measure the gain of a selection by nested cross-validation.

Baselines are random selections of the same size and all rows.

For every fold the method sees the other real rows and the rows they could have made; the held-out real rows are the
test rows. So no selection is evaluated on real rows it used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.progress import Progress, silent
from syngain.gain.design.cross_validation import pooled
from syngain.gain.nested_gains import NestedGains
from syngain.gain.proxies.task import Outcome, Training
from syngain.inference.clusters import shared_training

if TYPE_CHECKING:
    from syngain.core.arrays import Ints
    from syngain.core.rng import Streams
    from syngain.selection.candidates import Method
    from syngain.selection.layout import SelectionLayout


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionTrial:
    """Settings: outer ``folds`` of the real rows, ``randoms`` random selections."""

    folds: int = 5
    randoms: int = 5


def on_anchors(
    field: SelectionLayout, method: Method, share: float, *, trial: SelectionTrial, progress: Progress = silent
) -> NestedGains:
    """The cross-validated selection of a fraction of the rows."""
    ground = field.ground
    fold = ground.lineage.folds(trial.folds, field.streams.stream("select folds"))
    found: dict[str, list[tuple[Ints, Outcome]]] = {}
    sizes = []
    for f in range(int(fold.max()) + 1):
        progress(f"selecting and evaluating, fold {f + 1}", f / (int(fold.max()) + 1))
        held, anchors = np.flatnonzero(fold == f), np.flatnonzero(fold != f)
        rows = np.flatnonzero(ground.lineage.made_from(fold != f))
        streams = field.streams.child(f"fold {f}")
        chosen = _chosen(field, method, share, anchors, rows, streams)
        arms = _against(anchors, rows, chosen, trial, streams)
        sizes.append(chosen.size)
        bench = field.task.within(anchors, rows)
        for name, training in arms.items():
            outcome = bench.judge(training, held, field.streams.stream("inner", str(f)))
            found.setdefault(name, []).append((held, outcome))
    count = len(sizes)
    where = (
        f"chosen on {count - 1} of {count} folds of the real rows and evaluated on the other; units: real rows, "
        "variance inflated for shared training rows [nadeau2003]"
    )
    merged = {name: pooled(parts, ground.anchors.size) for name, parts in found.items()}
    inflation = shared_training(count)
    return NestedGains(merged, ground.anchor_labels, ground.lineage.group, inflation, float(np.mean(sizes)), where)


def on_test(field: SelectionLayout, chosen: Ints, *, trial: SelectionTrial) -> NestedGains:
    """Rows that were chosen on all real rows, evaluated on the test set."""
    ground = field.ground
    everything = np.arange(len(ground.synthetic))
    arms = _against(ground.anchors, everything, chosen, trial, field.streams.child("test"))
    bench = field.task.within(ground.anchors, everything)
    rng = field.streams.child("test")
    outcomes = {name: bench.judge(training, ground.test, rng.stream("inner")) for name, training in arms.items()}
    label, cluster = ground.label[ground.test], ground.cluster[ground.test]
    where = "chosen on all real rows and evaluated on the test set; paired, clustered by near-duplicates"
    return NestedGains(outcomes, label, cluster, 1.0, float(chosen.size), where)


def _chosen(layout: SelectionLayout, method: Method, share: float, anchors: Ints, rows: Ints, streams: Streams) -> Ints:
    """The rows a method keeps of these, knowing these real rows only."""
    size = max(round(share * rows.size), 1) if rows.size else 0
    if not 0 < size < rows.size:
        return rows
    ranking = method.rank(layout.candidates(anchors, rows), size, streams.stream("method"))
    return np.sort(rows[ranking.order[:size]])


def _against(anchors: Ints, rows: Ints, chosen: Ints, trial: SelectionTrial, streams: Streams) -> dict[str, Training]:
    """The choice, as many random rows in several draws, all rows, and none."""
    none = np.empty(0, dtype=np.int64)
    out = {"anchors": Training(anchors, none), "chosen": Training(anchors, chosen), "all": Training(anchors, rows)}
    for draw in range(trial.randoms):
        order = streams.stream("random", str(draw)).permutation(rows.size)
        out[f"random {draw}"] = Training(anchors, np.sort(rows[order[: chosen.size]]))
    return out
