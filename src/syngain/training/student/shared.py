"""Gains of many datasets for a fine-tuned language model: one run on real rows alone serves all of them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from syngain.core.progress import Progress, silent
from syngain.core.rng import Streams
from syngain.gain.design.cross_validation import Arm
from syngain.gain.on_test import Measured
from syngain.gain.proxies.metrics import FROZEN_METRICS
from syngain.gain.proxies.task import Outcome
from syngain.learners.adapting import Material, Schedule, adapt
from syngain.learners.causal import CausalModel, CausalProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.core.estimate import Estimate
    from syngain.core.folders.finished_units import Arrays
    from syngain.data.dataset import Dataset
    from syngain.learners.completions import Completion

    Unit: TypeAlias = "Callable[[str, Callable[[], Arrays]], Arrays]"

REAL = "real rows alone"
BATCH, RATE = 16, 5e-4
EPOCHS, CHECKS, AVERAGE = 4, 6, 3.0
MAX_TOKENS = 192


@dataclass(frozen=True, slots=True)
class StudentRows:
    """The real rows that models are trained on, those that choose the step, and the test rows."""

    real: Dataset
    held: Dataset
    test: Dataset


def shared_gains(
    rows: StudentRows,
    sets: Mapping[str, Dataset],
    *,
    model: str = "smollm2",
    seed: int = 0,
    unit: Unit | None = None,
    progress: Progress = silent,
) -> dict[str, Estimate]:
    """Gain of adding each dataset to the real rows for a fine-tuned model, on the test rows, in nats per token.

    Low-rank adapters on all linear layers. All runs start from the same adapter, take the real rows in the same order
    and the same number of steps, 4 passes over the largest variant; averaged weights are scored on the held-out rows
    at six steps, and each run keeps its best ones.

    Args:
        rows: real rows to train on, held-out real rows that choose the step, test rows.
        sets: synthetic datasets by name.
        model: a name of the catalog, a folder or a hub name.
        seed: of adapter and orders.
        unit: keeps the arrays of a finished run; None keeps none.
        progress: called with the stage and the fraction done.

    Returns:
        Estimates by name; intervals are those of the test rows, not of seeds.

    Raises:
        InputError: the model cannot be used. MissingDependencyError: torch, transformers or peft is not installed.
    """
    loaded = CausalProxy(model=model, batch=BATCH, rates=(RATE,), max_tokens=MAX_TOKENS).open(progress)
    reader = loaded.reader(rows.real.kind)
    read = partial(_read, reader.read)
    most = len(rows.real) + max(map(len, sets.values()), default=0)
    fit = _SharedRuns(loaded, read(rows.real), read(rows.held), read(rows.test), -(-EPOCHS * most // BATCH), seed)
    keep: Unit = unit or (lambda _, compute: compute())
    variants: dict[str, list[Completion]] = {REAL: [], **{name: read(item) for name, item in sets.items()}}
    outcomes: dict[str, Outcome] = {}
    for at, (name, more) in enumerate(variants.items()):
        said = name if name == REAL else f"real rows and {name}"
        progress(f"fine-tuning on {said}", at / len(variants))
        found = keep(name, partial(fit.losses, more))
        outcomes[name] = Outcome(np.asarray(found["loss"]), np.asarray(found["tokens"]))
    return {name: _gain(outcomes[REAL], outcomes[name], len(item)) for name, item in sets.items()}


def _read(read: Callable[[str, str], Completion], rows: Dataset) -> list[Completion]:
    sides = list(rows.sides.values())
    pairs = zip(*sides, strict=True) if len(sides) > 1 else (("", text) for text in sides[0])
    return [found for prompt, text in pairs if (found := read(prompt, text)).scored]


def _gain(alone: Outcome, both: Outcome, rows: int) -> Estimate:
    count, treated = alone.loss.size, Arm("both", 1.0, rows)
    outcomes = {Arm("anchors"): [alone], treated: [both]}
    measured = Measured(outcomes, np.zeros(count, dtype=np.int64), np.ones(count), np.arange(count), rows)
    return measured.gain(FROZEN_METRICS[0], treated, Arm("anchors"), "gain of a fine-tuned model on the test rows")


@dataclass(frozen=True, slots=True)
class _SharedRuns:
    """What all runs share: the model, real, held-out and test rows in tokens, the number of steps, the seed."""

    model: CausalModel
    real: Sequence[Completion]
    held: Sequence[Completion]
    test: Sequence[Completion]
    steps: int
    seed: int

    def losses(self, more: Sequence[Completion]) -> dict[str, Floats]:
        """Surprisal and number of tokens of each test row after training on the real rows and these."""
        rows = [*self.real, *more]
        batches = row_order(len(self.real), len(more), self.steps * BATCH, self.seed).reshape(-1, BATCH)
        with tempfile.TemporaryDirectory() as place:
            self.model.reset(self.seed)
            before = float(self.model.score(self.held).sum()) / max(sum(row.scored for row in self.held), 1)
            material = Material(lambda step: [rows[at] for at in batches[step]], self.held, before)
            schedule = Schedule(steps=self.steps, rates=(RATE,), checks=CHECKS, average=AVERAGE)
            state = Path(place) / "run.state"
            kept = adapt(self.model, material, schedule, seed=self.seed, state=state, watch=lambda: None)
            loss = self.model.score(self.test)
        tokens = np.array([row.scored for row in self.test], dtype=float)
        return {"loss": loss, "tokens": tokens, "step": np.array([kept.step]), "held": np.array([before, kept.loss])}


def row_order(real: int, synthetic: int, count: int, seed: int) -> Ints:
    """Positions of ``count`` rows: real ones first, then synthetic ones, from ``real`` on.

    Every row comes before any comes again, and the real rows come in the same order whatever else there is.
    """
    streams, found, left = Streams(seed).child("shared students"), [], count
    own, others = streams.stream("real"), streams.stream("synthetic")
    while left > 0:
        place = np.concatenate([own.random(real), others.random(synthetic)])
        found.append(np.argsort(place, kind="stable")[:left])
        left -= found[-1].size
    return np.concatenate(found)
