"""Ablation: overfit a model on a dataset, repair or prevent it, measure.

The variants are those of :mod:`..treatment`, their rows those of :mod:`..design`. All are evaluated on the same rows.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.progress import Progress, silent
from syngain.learners.adapting import Material, Schedule, adapt, copied, put
from syngain.training.repair.pattern_metrics import State, measures, state_of
from syngain.training.repair.removed_share import removals
from syngain.training.repair.retention import Retention, weighed
from syngain.training.repair.sampling import SampledResponse
from syngain.training.repair.treatment import REPAIRS, RETAINING_REPAIRS
from syngain.training.student.arm_store import ArmStore
from syngain.training.student.narrative import cut_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from syngain.core.arrays import Ints, Singles
    from syngain.core.estimate import Estimate
    from syngain.learners.completions import TokenizedRows
    from syngain.models.checkpoints import Tensor
    from syngain.training.repair.design import AblationDesign
    from syngain.training.repair.openings import Template
    from syngain.training.student.arm_store import Arrays

LEVEL = 0.9
MEASURED = 6  # steps that take about as long as measuring a state, for the fraction done


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """What was measured.

    Attributes:
        template: of the dataset. states: of each variant, one per seed.
        ``arms``: variant to its ``pattern.*`` estimates. contrasts: the ``repair.*`` estimates.
        notes: on rows that were cut. retention: on rows of other kinds; None where there are none.
    """

    template: Template
    states: Mapping[str, Sequence[State]]
    arms: Mapping[str, Mapping[str, Estimate]]
    contrasts: Mapping[str, Estimate]
    notes: tuple[str, ...]
    retention: Retention | None = None

    @property
    def hurt(self) -> bool:
        """Whether the loss rose significantly."""
        return self.contrasts["repair.increase"].interval(LEVEL)[0] > 0

    @property
    def harmless(self) -> bool:
        """Whether the loss fell significantly."""
        return self.contrasts["repair.increase"].interval(LEVEL)[1] < 0

    @property
    def reported(self) -> dict[str, Estimate]:
        """Differences of variants; fractions only where the loss may have risen."""
        shares = ("repair.removed@", "repair.added@") if self.harmless else ()
        return {name: item for name, item in self.contrasts.items() if not name.startswith(shares)}

    def of_arm(self, name: str) -> dict[str, Estimate]:
        """The ``pattern.*`` and ``retain.*`` estimates of a variant."""
        return dict(self.arms[name]) | ({} if self.retention is None else dict(self.retention.arms[name]))

    def arm(self, name: str) -> dict[str, Estimate]:
        """Estimates in the table row of a variant."""
        removed = self.reported.get(f"repair.removed@{name}")
        return self.of_arm(name) | ({} if removed is None else {"repair.removed": removed})


def ablate(design: AblationDesign, *, folder: Path, resume: bool = False, progress: Progress = silent) -> Ablation:
    """Run every variant in every seed that is not yet in ``folder``, and compare them.

    Raises:
        UsageError: what is resumed was another job. UnfinishedError: not enough memory; finished parts are kept.
        MissingDependencyError: trl, datasets, torch, transformers or peft is not installed.
    """
    store = ArmStore.open(folder / "work", design.settings, resume=resume)
    return _AblationRun(design, store, progress).go()


@dataclass(slots=True)
class _AblationRun:
    """All variants of all seeds, one after the other."""

    design: AblationDesign
    store: ArmStore
    progress: Progress
    done: float = 0.0

    def go(self) -> Ablation:
        design, seeds = self.design, range(self.design.treatment.seeds)
        states: dict[str, list[State]] = {arm: [] for arm in design.variants}
        for seed in seeds:
            for arm in design.variants:
                states[arm].append(self._arm(arm, seed))
        clusters = [design.rows.judged_cluster[design.judged_rows(seed)] for seed in seeds]
        self.progress("done", 1.0)
        return Ablation(
            template=design.template,
            states=states,
            arms={arm: measures(found, clusters, design.template) for arm, found in states.items()},
            contrasts=removals(states, clusters),
            notes=self._notes(),
            retention=self._retention(states),
        )

    def _retention(self, states: Mapping[str, Sequence[State]]) -> Retention | None:
        halves = self.design.halves
        if halves is None:
            return None
        return weighed(
            states,
            *halves,
            template=self.design.template,
            price=self.design.treatment.price,
            forms=self.design.forms,
        )

    def _arm(self, arm: str, seed: int) -> State:
        shared = arm == "untrained" and not self.design.rows.forecast
        name = f"{arm}-{0 if shared else seed}"
        found = self.store.find(name)
        steps = self.design.treatment.length(arm)
        self.progress(f"seed {seed + 1}: {arm}", self.done)
        if found is None:
            self.design.model.reset(seed)
            if arm == "average":
                put(self.design.model, self._overfitted(seed))
                self.design.model.shrink(self.design.treatment.kept)
            elif steps:
                self._train(arm, seed, name, steps)
            state = self._measured(arm, seed)
            weights = copied(self.design.model) if arm == "overfitted" else []
            found = _packed(state, [weight.numpy() for weight in weights])
            self.store.keep(name, found)
        self.done += (steps + MEASURED) / self._all_steps()
        return _unpacked(found)

    def _train(self, arm: str, seed: int, name: str, steps: int) -> None:
        """Afterwards the model holds the trained adapter."""
        design, plan = self.design, self.design.treatment
        lesson, stops = design.lesson(arm, seed), arm == "early"
        before, taken = self.done, 0

        def watch() -> None:
            nonlocal taken
            taken += 1
            self.progress(f"seed {seed + 1}: {arm}", before + taken / self._all_steps())

        held = design.real.take(design.round(seed).held) if stops else []
        untrained = float(design.model.score(held).sum()) / sum(row.scored for row in held) if stops else math.nan
        start = self._overfitted(seed) if arm in {*REPAIRS, *RETAINING_REPAIRS} else None
        rate = design.model.proxy.rates[0] * (plan.slower if arm == "slow" else 1.0)
        adapt(
            design.model,
            Material(lesson.batch, held, untrained, lesson.stepper, start),
            Schedule(steps=steps, rates=(rate,), checks=min(plan.checks, steps) if stops else 0),
            seed=int(design.streams.stream("adapter", str(seed)).integers(2**31)),
            state=self.store.state(name),
            watch=watch,
        )

    def _overfitted(self, seed: int) -> list[Tensor]:
        import torch

        found = self.store.find(f"overfitted-{seed}") or {}
        return [torch.from_numpy(found[f"weight {i}"]) for i in range(len(self.design.model.weights()))]

    def _measured(self, arm: str, seed: int) -> State:
        design, rows, others = self.design, self.design.judged_rows(seed), self.design.others
        state = self._state(design.judged, rows, rows[: design.treatment.prompts], ("said", arm, str(seed)))
        if others is None:
            return state
        return replace(state, other=self._state(others.side, others.scored, design.asked, ("other", arm, str(seed))))

    def _state(self, side: TokenizedRows, rows: Ints, prompted: Ints, stream: tuple[str, ...]) -> State:
        asked = next(iter(side.rows.sides.values()))
        return state_of(
            self.design.model,
            reader=side.reader,
            rows=side.take(rows),
            prompts=[asked[int(row)] for row in prompted],
            tokens=self.design.treatment.tokens,
            seed=int(self.design.streams.stream(*stream).integers(2**31)),
        )

    def _all_steps(self) -> int:
        plan = self.design.treatment
        return plan.seeds * sum(plan.length(arm) + MEASURED for arm in self.design.variants)

    def _notes(self) -> tuple[str, ...]:
        design = self.design
        sides = {"real rows": design.real, "synthetic rows": design.synthetic}
        if not design.rows.forecast:
            sides["test rows"] = design.judged
        if design.others is None:
            return cut_rows(sides)
        left = design.others.left_out
        repeated = (f"{left} rows of other kinds repeat other rows and are left out",) if left else ()
        return (*cut_rows({**sides, "rows of other kinds": design.others.side}), *repeated)


def _packed(state: State, weights: Sequence[Singles]) -> Arrays:
    other = {} if state.other is None else {f"other {name}": part for name, part in _arrays(state.other).items()}
    return {**_arrays(state), **other, **{f"weight {i}": weight for i, weight in enumerate(weights)}}


def _arrays(state: State) -> Arrays:
    said = json.dumps([[one.text, one.ended, one.broken] for one in state.said]).encode()
    return {"loss": state.loss, "tokens": state.tokens, "said": np.frombuffer(said, dtype=np.uint8)}


def _unpacked(arrays: Arrays) -> State:
    other = {name.removeprefix("other "): part for name, part in arrays.items() if name.startswith("other ")}
    said = tuple(SampledResponse(*one) for one in json.loads(arrays["said"].tobytes()))
    return State(arrays["loss"], arrays["tokens"], said, _unpacked(other) if other else None)
