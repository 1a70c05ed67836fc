"""The gain for a causal language model, with all controls, within a time budget.

Variants: the untrained model, real rows, real + synthetic rows, the oversampling control (with the steps and learning
rate of real + synthetic), synthetic only. Every trained variant may take the same number of steps;
all but the oversampling control tune their learning rate and the number of steps they keep on held-out real rows, never
on the test.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from syngain.core.errors import InputError, UnfinishedError, UsageError
from syngain.core.progress import Progress, silent
from syngain.core.rng import Streams
from syngain.learners.adapting import Kept, Schedule
from syngain.learners.causal import CausalProxy
from syngain.learners.completions import TokenizedRows
from syngain.training.student.arm_store import ScoredArm, StudentStore
from syngain.training.student.arms import ArmTrainer, StudentDesign, schedule
from syngain.training.student.estimates import Evidence, gains, levels
from syngain.training.student.narrative import (
    arm_left_out,
    cut_rows,
    fewer_rows,
    fewer_seeds,
    plan_sentence,
    unseen_rows,
)
from syngain.training.student.splits import Rows
from syngain.training.student.time_budget import ESSENTIAL, NAMES, Arm, BudgetRequest, StudentLimits, TimeBudget, choose

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syngain.core.arrays import Ints
    from syngain.core.estimate import Estimate
    from syngain.data.dataset import Dataset
    from syngain.data.study import Study
    from syngain.gain.proxies.task import Outcome

MOST_SYNTHETIC = 20_000  # more than any plan uses
OVERTIME = 0.08  # what the two variants that must finish may take beyond the minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentGain:
    """What was measured.

    Attributes:
        estimates: by id, positive is better: ``gain.kl_gap`` and ``gain.nats_per_byte`` (``.test`` when there was a
            test set), each with ``.duplication`` and ``.synthetic_only`` (what these variants bring over the real rows)
            and ``@over_duplication`` (real + synthetic rows over the oversampling control; ``_test`` with a test set).
            Where each variant stands: ``student.loss@arm=``, in the unit of the first, and ``student.error@arm=``.
        plan: what was planned. notes: limits of the run, for the user.
        outcomes: variant to its outcome in each seed, seeds ascending; ``loss`` in nats, ``size`` in bytes. A control
            that was out of time lacks the last seeds.
        tokens: scored tokens of these rows. rows: which rows they are, per seed, of the test set, else of the real
            rows; a variant that ran out of time scored the first of them only.
        rates, steps: what each variant chose in each seed.
        curves: variant to the surprisal of its held-out real rows in time, per seed.
        seconds: spent, in former runs too.
    """

    estimates: Mapping[str, Estimate]
    plan: TimeBudget
    notes: tuple[str, ...]
    outcomes: Mapping[Arm, tuple[Outcome, ...]]
    tokens: Mapping[Arm, tuple[Ints, ...]]
    rows: tuple[Ints, ...]
    rates: Mapping[Arm, tuple[float, ...]]
    steps: Mapping[Arm, tuple[int, ...]]
    curves: Mapping[Arm, tuple[tuple[tuple[int, float], ...], ...]]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentSettings:
    """How a student is trained and evaluated, and for how long.

    Attributes:
        proxy: the model and how it is trained. minutes: what it may take; None takes the most that ``limits`` allow,
            however long. limits: most and least of steps, seeds and rows.
        design: which variants there are, who takes their steps, and how they are evaluated.
    """

    proxy: CausalProxy = field(default_factory=CausalProxy)
    minutes: float | None = None
    limits: StudentLimits = field(default_factory=StudentLimits)
    design: StudentDesign = field(default_factory=StudentDesign)

    def __post_init__(self) -> None:
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise UsageError(
                f"minutes = {self.minutes}", expected="a positive number", todo="set --minutes, for example to 30"
            )


def language_gain(
    study: Study,
    *,
    folder: Path,
    settings: StudentSettings | None = None,
    seed: int = 0,
    progress: Progress = silent,
    resume: bool = False,
) -> StudentGain:
    """Measure the gain of synthetic rows for a language model that has the real rows.

    Args:
        study: real rows and synthetic rows; without a test set a quarter of the real rows is held out as one, another
            one in every seed.
        folder: where ``work/`` is kept: every finished variant, and about once a minute the one that is being trained.
        settings: the model, minutes, limits and variants.
        seed: of everything random.
        progress: called with the plan first, then with every variant.
        resume: continue from what ``work/`` holds, by the same plan, in the minutes that are left of it.

    Raises:
        InputError: when the rows or the model cannot be used. UsageError: when what is resumed was another job.
        UnfinishedError: when the minutes or the memory do not suffice; finished parts are kept.
    """
    started, chosen = time.monotonic(), settings or StudentSettings()
    seconds = math.inf if chosen.minutes is None else chosen.minutes * 60
    real, synthetic, test = study.real, study.synthetic, study.test
    _check(real, synthetic)
    streams = Streams(seed, ("language gain",))
    if len(synthetic) > MOST_SYNTHETIC:
        synthetic = synthetic.take(
            sorted(streams.stream("subset").choice(len(synthetic), MOST_SYNTHETIC, replace=False).tolist())
        )
    rows = Rows.of(real, synthetic, test)
    most = max(own.judged.size for own in rows.every(chosen.limits.seeds, streams))
    model = chosen.proxy.open(progress)
    reader = model.reader(real.kind)
    anchors = TokenizedRows(reader, real)
    judged = anchors if test is None else TokenizedRows(reader, test)
    trainer = ArmTrainer(model, anchors, TokenizedRows(reader, synthetic), judged, rows, streams, chosen.design)
    store = StudentStore.open(folder / "work", _settings(trainer, seed, chosen.limits), resume=resume, started=started)
    plan = store.plan
    if plan is None:
        plan = _planned(trainer, chosen.limits, most, started + seconds)
        store.begin(plan)
    progress(plan_sentence(plan), 0.0)
    return _StudentRun(trainer, store, plan, seconds, chosen.limits, progress).go()


class _TimeIsUpError(Exception):
    """The time budget is spent; variants that are not essential are skipped."""


@dataclass(slots=True)
class _StudentRun:
    """Variants in order, within the budget."""

    trainer: ArmTrainer
    store: StudentStore
    plan: TimeBudget
    limit: float
    limits: StudentLimits
    progress: Progress
    scored: dict[Arm, dict[int, ScoredArm]] = field(default_factory=lambda: {arm: {} for arm in NAMES})
    notes: list[str] = field(default_factory=list)
    slowness: float = 1.0
    done: float = 0.0
    begun: float = 0.0

    def go(self) -> StudentGain:
        for seed in range(self.plan.seeds):
            if not self._seed(seed):
                self.notes.append(fewer_seeds(seed, self.plan.seeds))
                break
        return self._result()

    def _seed(self, seed: int) -> bool:
        """All variants of a seed; False when there was no time for its essential ones."""
        untrained: dict[int, float] = {}
        for arm in self.plan.arms:
            key = self.store.key(arm, 0 if arm == "base" and self.plan.shared else seed)
            found = self.store.find(key)
            if found is None:
                if not self._time_for(arm, seed):
                    if arm in ESSENTIAL:
                        return False
                    self._left_out(arm, seed)
                    continue
                try:
                    found = self._measured(arm, seed, key, untrained)
                except _TimeIsUpError:
                    if arm in ESSENTIAL:
                        return False
                    self._left_out(arm, seed)
                    continue
                self.store.keep(key, found)
            self.scored[arm][seed] = found
            self.done += self.plan.arm_seconds(arm, seed)
        return True

    def _measured(self, arm: Arm, seed: int, key: str, untrained: dict[int, float]) -> ScoredArm:
        self.begun = time.monotonic()
        self._tell(arm, seed)
        kept = Kept(0.0, 0, math.nan)
        if arm == "base":
            self.trainer.model.reset(0)
        else:
            kept = self._trained(arm, seed, key, untrained)
        rows = self._affordable_rows(arm, seed)
        found = self.trainer.score(seed, kept, rows, lambda count: self._enough(arm, seed, count))
        predicted = self.plan.arm_seconds(arm, seed)
        if predicted > 0:
            self.slowness = max(1.0, (time.monotonic() - self.begun) / predicted)
        return found

    def _tell(self, arm: Arm, seed: int) -> None:
        """Progress: within a variant by the clock."""
        gone = slowing(time.monotonic() - self.begun, self.plan.arm_seconds(arm, seed))
        self.progress(f"seed {seed + 1}: {NAMES[arm]}", min((self.done + gone) / self.plan.seconds, 1.0))

    def _trained(self, arm: Arm, seed: int, key: str, untrained: dict[int, float]) -> Kept:
        if arm == "duplicated":
            both = self.scored["both"][seed]
            timetable, before = Schedule(steps=both.step, rates=(both.rate,), checks=0), math.nan
        else:
            first = self.scored[arm].get(0)
            rates = self.trainer.model.proxy.rates
            timetable = schedule(self.plan, rates, seed, first.rate if self.plan.once and first else None)
            if seed not in untrained:
                self.trainer.model.reset(0)
                untrained[seed] = self.trainer.held_loss(seed)
            before = untrained[seed]
        return self.trainer.train(
            arm, seed, timetable, untrained=before, state=self.store.state(key), watch=lambda: self._watch(arm, seed)
        )

    def _must(self, arm: Arm, seed: int) -> bool:
        return seed == 0 and arm in ESSENTIAL

    def _time_for(self, arm: Arm, seed: int) -> bool:
        """Whether a variant fits the time; essential variants of seed 1 always run."""
        if self._must(arm, seed):
            return True
        needed = self.plan.arm_seconds(arm, seed)
        if arm == "anchors":  # without its partner it is not used
            needed += self.plan.arm_seconds("both", seed)
        if self.store.state(self.store.key(arm, seed)).is_file():
            return self.store.spent < self.limit
        return self.store.spent + self.slowness * needed <= self.limit

    def _watch(self, arm: Arm, seed: int) -> None:
        self.store.tick()
        self._tell(arm, seed)
        if not self._must(arm, seed):
            if self.store.spent > self.limit:
                raise _TimeIsUpError
            return
        least = min(self.limits.rows, self.plan.rows) * self.plan.speed.row
        if self.store.spent + least > self.limit * (1 + OVERTIME):
            raise _too_slow(self.limit)

    def _affordable_rows(self, arm: Arm, seed: int) -> int:
        """How many test rows there is time for when the machine has become slower."""
        left = self.limit - self.store.spent
        if self._must(arm, seed) and arm == "both" and left < self.slowness * self.plan.rows * self.plan.speed.row:
            fits = int(left / (self.slowness * self.plan.speed.row))
            rows = max(min(fits, self.plan.rows), min(self.limits.rows, self.plan.rows))
            if rows < self.plan.rows:
                self.notes.append(fewer_rows(rows))
            return rows
        return self.plan.rows

    def _enough(self, arm: Arm, seed: int, count: int) -> bool:
        self.store.tick()
        self._tell(arm, seed)
        if self.store.spent <= self.limit * (1 + (OVERTIME if self._must(arm, seed) else 0)):
            return False
        if count >= min(self.limits.rows, self.plan.rows):
            return True
        if self._must(arm, seed):
            raise _too_slow(self.limit)
        raise _TimeIsUpError

    def _left_out(self, arm: Arm, seed: int) -> None:
        self.notes.append(arm_left_out(arm, seed))

    def _result(self) -> StudentGain:
        forecast = self.trainer.rows.forecast
        marks = (("optimistic",) if self.trainer.rows.optimistic else ()) + self.plan.marks
        compared = sorted(self.scored["both"])
        judged = [self.trainer.round(seed).judged[: self.plan.rows] for seed in compared]
        scored = {
            arm: {seed: found[seed] for seed in compared if seed in found}
            for arm, found in self.scored.items()
            if arm in self.plan.arms
        }
        metrics = self.trainer.design.judge.metrics
        evidence = Evidence(scored, judged, self.trainer.rows.judged_cluster, forecast, marks, self.plan.steps, metrics)
        self.progress("done", 1.0)
        self.store.note()
        return StudentGain(
            estimates={**gains(evidence), **levels(evidence)},
            plan=self.plan,
            notes=(*self.notes, *_limits_of_rows(self.trainer, self.plan)),
            outcomes={arm: tuple(one.outcome for one in found.values()) for arm, found in scored.items()},
            tokens={arm: tuple(one.tokens for one in found.values()) for arm, found in scored.items()},
            rows=tuple(judged),
            rates={arm: tuple(one.rate for one in found.values()) for arm, found in scored.items()},
            steps={arm: tuple(one.step for one in found.values()) for arm, found in scored.items()},
            curves={arm: tuple(one.curve for one in found.values()) for arm, found in scored.items()},
            seconds=self.store.spent,
        )


def _check(real: Dataset, synthetic: Dataset) -> None:
    if synthetic.kind is not real.kind:
        raise InputError(
            f"{synthetic.name} holds rows of kind {synthetic.kind}, {real.name} of kind {real.kind}",
            expected="the same kind",
            todo="name the fields of each side: --text real=A,synthetic=B",
        )


def _settings(trainer: ArmTrainer, seed: int, limits: StudentLimits) -> dict[str, object]:
    """All that the outcomes depend on, in words that can be compared."""
    found: dict[str, object] = {
        "real rows": trainer.real.rows.fingerprint,
        "synthetic rows": trainer.synthetic.rows.fingerprint,
        "test rows": None if trainer.rows.forecast else trainer.judged.rows.fingerprint,
        "seed": seed,
        "weights of the model": trainer.model.identity,
        "device": trainer.model.device,
    }
    chosen = {name: value for name, value in asdict(trainer.model.proxy).items() if name not in {"model", "device"}}
    bounds = {f"limit of {name}": value for name, value in asdict(limits).items()}
    return found | chosen | bounds | trainer.design.as_json()


def _planned(trainer: ArmTrainer, limits: StudentLimits, rows: int, until: float) -> TimeBudget:
    asked = BudgetRequest(
        rows=rows,
        shared=not trainer.rows.forecast,
        rates=len(trainer.model.proxy.rates),
        batch=trainer.model.proxy.batch,
        arms=trainer.design.arms,
    )
    speed = trainer.speed()
    return choose(speed, asked, seconds=until - time.monotonic(), limits=limits)


def slowing(gone: float, planned: float) -> float:
    """Seconds shown by a progress bar: slower near the end, never all of them."""
    if planned <= 0:
        return 0.0
    rest = 0.2 * planned
    over = gone - (planned - rest)
    return gone if over <= 0 else planned - rest + rest * over / (rest + over)


def _too_slow(limit: float) -> UnfinishedError:
    return UnfinishedError(
        f"the {limit / 60:.0f} minutes are spent before both variants were compared: the machine became slower",
        expected="the speed measured at the start",
        todo="run again with --resume and more --minutes; finished parts are kept",
    )


def _limits_of_rows(trainer: ArmTrainer, plan: TimeBudget) -> tuple[str, ...]:
    """Rows that were never seen, and rows that were cut."""
    own = trainer.round(0)
    sides = {"real rows": trainer.real, "synthetic rows": trainer.synthetic, "test rows": trainer.judged}
    if trainer.rows.forecast:
        del sides["test rows"]
    return (*unseen_rows(plan.steps * plan.batch, own.anchors.size + own.synthetic.size), *cut_rows(sides))
