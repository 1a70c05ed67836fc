"""Supersamples of real and synthetic rows: train on one row of every pair.

Nothing is chosen across masks, and embeddings are fixed before: an encoder saw all rows, without their labels.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError, UsageError
from syngain.core.folders.finished_units import FinishedUnits
from syngain.core.progress import Progress, silent
from syngain.gain.proxies.labels import LabelTask
from syngain.gain.proxies.task import Outcome, Training
from syngain.gain.proxies.texts import TextTask
from syngain.information.estimators.supersample import Supersamples

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints
    from syngain.core.folders.finished_units import Arrays
    from syngain.core.rng import Streams
    from syngain.gain.design.layout import GainLayout
    from syngain.gain.proxies.task import Task

FEWEST = 10  # pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Masks:
    """Numbers of pairs, masks and supersamples.

    Attributes:
        pairs: most pairs of a supersample. masks: of each. draws: supersamples.

    Raises:
        UsageError: too few of them for an interval.
    """

    pairs: int = 100
    masks: int = 20
    draws: int = 6

    def __post_init__(self) -> None:
        if self.pairs < FEWEST or self.masks < 2 or self.draws < 2:
            raise UsageError(
                f"{self.pairs} pairs, {self.masks} masks, {self.draws} supersamples",
                expected=f"at least {FEWEST} pairs, 2 masks and 2 supersamples",
                todo="raise pairs, masks and draws: an interval needs at least two of each",
            )


@dataclass(frozen=True)
class JointTask:
    """Real and synthetic rows on one numbering.

    Attributes:
        task: the proxy, all rows of it real. ``anchors``, ``synthetic``: rows of its numbering.
    """

    task: Task
    anchors: Ints
    synthetic: Ints

    @classmethod
    def of(cls, layout: GainLayout, task: Task) -> JointTask:
        """Join both sides.

        Raises:
            InputError: a task of another kind.
        """
        real = int(layout.label.size)
        synthetic = real + np.arange(layout.synthetic_label.size)
        if isinstance(task, LabelTask):
            joined: Task = replace(
                task,
                real=np.vstack([task.real, task.synthetic]),
                label=np.concatenate([task.label, task.synthetic_label]),
                unit=np.concatenate([task.unit, task.synthetic_unit]),
                encode=None,
            )
        elif isinstance(task, TextTask):
            joined = replace(task, real=task.grams.rows)
        else:
            raise InputError(
                f"a proxy of kind {type(task).__name__}",
                expected="LabelTask or TextTask",
                todo="use labeled rows or texts",
            )
        return cls(joined, layout.anchors, synthetic)

    def supersamples(
        self,
        rows: Ints,
        plan: Masks,
        streams: Streams,
        *,
        units: FinishedUnits | None = None,
        progress: Progress = silent,
    ) -> Supersamples:
        """Outcomes on supersamples of these rows, drawn without replacement.

        The loss is 0 or 1: a wrong label; or of texts, more nats per byte than the median held-out row.

        Args:
            rows: of the common numbering.
            plan: pairs, masks and supersamples.
            streams: all randomness; their path names the units.
            units: where every fit is kept as it is finished, and those of a former run are found.
            progress: called before every fit.

        Raises:
            InputError: too few rows for pairs.
        """
        pairs, kept = min(plan.pairs, rows.size // 2), units or FinishedUnits()
        if pairs < FEWEST:
            raise InputError(
                f"{rows.size} rows",
                expected=f"at least {2 * FEWEST} for {FEWEST} pairs",
                todo="add rows to this dataset",
            )
        shape = (plan.draws, plan.masks, pairs)
        second = np.empty(shape, dtype=bool)
        score, guess = np.empty((*shape, 2)), np.zeros((*shape, 2), dtype=np.int64)
        for s in range(plan.draws):
            rng = streams.stream("supersample", str(s))
            chosen = rng.permutation(rows)[: 2 * pairs].reshape(pairs, 2)
            for k in range(plan.masks):
                progress(f"supersample {s + 1} of {plan.draws}", (s * plan.masks + k) / (plan.draws * plan.masks))
                name = "/".join((*streams.path, "supersample", str(s), "mask", str(k)))
                found = kept.unit(name, partial(self._fit, chosen, rng))
                rng.bit_generator.state = json.loads(found["random"].tobytes())
                second[s, k], score[s, k] = found["second"], found["score"]
                if "guess" in found:
                    guess[s, k] = found["guess"]
        if isinstance(self.task, LabelTask):
            return Supersamples(score, second, guess)
        held = np.where(second, score[..., 0], score[..., 1])
        return Supersamples((score > np.median(held)).astype(float), second)

    def _fit(self, chosen: Ints, rng: np.random.Generator) -> Arrays:
        """One mask of a supersample (n, 2): training rows, outcomes, random state."""
        second = rng.random(len(chosen)) < 0.5
        taken = chosen[np.arange(len(chosen)), second.astype(np.int64)]
        none = np.empty(0, dtype=np.int64)
        outcome = self.task.judge(Training(np.sort(taken), none), chosen.ravel(), rng)
        score, labels = self._scored(outcome, chosen)
        state = json.dumps(rng.bit_generator.state).encode()
        found = {"second": second, "score": score, "random": np.frombuffer(state, dtype=np.uint8)}
        return found if labels is None else {**found, "guess": labels}

    def _scored(self, outcome: Outcome, chosen: Ints) -> tuple[Floats, Ints | None]:
        """Wrong labels (n, 2) with the labels predicted, or nats per byte."""
        if isinstance(self.task, LabelTask) and outcome.guess is not None:
            guess = outcome.guess.reshape(chosen.shape)
            return (guess != self.task.label[chosen]).astype(float), guess
        return (outcome.loss / np.maximum(outcome.size, 1)).reshape(chosen.shape), None
