"""Gains of many datasets on the same real and test rows, by a frozen language model: rows are read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from syngain.core.progress import Progress, silent
from syngain.core.rng import Streams
from syngain.gain.design.cross_validation import Arm
from syngain.gain.design.layout import GainLayout
from syngain.gain.on_test import Measured
from syngain.gain.proxies.frozen import FrozenReader, FrozenTask
from syngain.gain.proxies.metrics import FROZEN_METRICS
from syngain.gain.proxies.task import Training
from syngain.workflows.evaluate.compare import together

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.estimate import Estimate
    from syngain.data.dataset import Dataset


def frozen_forecasts(  # noqa: PLR0913  (the rows, and how they are measured)
    real: Dataset,
    sets: Mapping[str, Dataset],
    test: Dataset,
    *,
    reader: FrozenReader | None = None,
    repeats: int = 2,
    seed: int = 0,
    progress: Progress = silent,
) -> tuple[dict[str, Estimate], str]:
    """Gain of adding each dataset to the real rows, on the test rows, in nats per token; and what it cost, in words.

    Rows, tokens and the variant of real rows alone are common to all datasets, and states come from the cache, so that
    a further question costs its fits alone. Nothing is sampled. Gains are not calibrated on fine-tuned models.

    Args:
        real: real rows to train on.
        sets: synthetic datasets by name; a row may be in several.
        test: real rows to measure on.
        reader: the frozen model; its minutes have no meaning here.
        repeats: fits of each variant, with other directions and orders of rows.
        seed: of every random choice.
        progress: called with the stage and the fraction done.

    Raises:
        InputError: the datasets do not fit each other, or the model cannot be used.
    """
    streams, metric = Streams(seed).child("frozen forecasts"), FROZEN_METRICS[0]
    out: dict[str, Estimate] = {}
    with threadpool_limits(1):
        layout = GainLayout.of(real, together(list(sets.values())), test=test, reader=reader or FrozenReader())
        task = layout.task(streams, progress=progress)
        first, none = 0, np.empty(0, dtype=np.int64)
        bench = task.within(layout.anchors, none)
        for name, item in sets.items():
            progress(f"gain of {name}", len(out) / len(sets))
            rows, treated = np.arange(first, first + len(item)), Arm("both", 1.0, len(item))
            first += len(item)
            outcomes = {
                arm: [
                    bench.judge(Training(layout.anchors, own), layout.test, streams.stream("repeat", str(repeat)))
                    for repeat in range(repeats)
                ]
                for arm, own in ((Arm("anchors"), none), (treated, rows))
            }
            cluster, ones = layout.cluster[layout.test], np.ones(layout.test.size)
            found = Measured(outcomes, layout.label[layout.test], ones, cluster, len(item))
            out[name] = found.gain(metric, treated, Arm("anchors"))
    return out, bench.costs.sentence if isinstance(bench, FrozenTask) else ""
