"""Ablation: overfit a model on a dataset, repair or prevent it, measure.

A variant of a seed starts from the untrained or the overfitted adapter and takes a fixed number of steps at one
learning rate; nothing is stopped early, so no variant is tuned on what it is evaluated on. Real rows that are evaluated
on or held out are never trained on.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.core.errors import InputError, UsageError
from syngain.core.progress import Progress, silent
from syngain.core.rng import Streams
from syngain.data.columns.roles import Kind
from syngain.learners.adapting import Material, Schedule, adapt, copied
from syngain.learners.completions import TokenizedRows
from syngain.training.repair.format_jitter import Jitter
from syngain.training.repair.losses import CAP, Lesson, both, forget, forgettable, replay
from syngain.training.repair.openings import Template, template_of
from syngain.training.repair.pattern_metrics import State, measures, state_of
from syngain.training.repair.removed_share import PREVENTIONS, REPAIRS, removals
from syngain.training.repair.sampling import SampledResponse
from syngain.training.student.arm_store import ArmStore
from syngain.training.student.narrative import cut_rows
from syngain.training.student.splits import Round, Rows, seen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from syngain.core.arrays import Ints, Singles
    from syngain.core.estimate import Estimate
    from syngain.data.dataset import Dataset
    from syngain.data.study import Study
    from syngain.learners.causal import CausalModel, CausalProxy
    from syngain.learners.completions import Completion
    from syngain.models.checkpoints import Tensor
    from syngain.training.student.arm_store import Arrays

    Batch = Callable[[int], list[Completion]]

ARMS = ("untrained", "overfitted", *REPAIRS, "anchors", *PREVENTIONS)
LEVEL = 0.9
MEASURED = 6  # steps that take about as long as measuring a state, for the fraction done


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """How the dataset is trained on and repaired.

    Attributes:
        steps: of the overfitted model and of the prevention variants. repair_steps: of every repair. seeds: of
            everything.
        weight: of the forgetting loss next to replay. cap: of its slope, see :func:`..repairing.forgetting`.
        forget: what is forgotten, the shared ``opening`` or the whole ``response``.
        mix: fraction of real rows in each batch of the prevention by mixing. jitter: the prevention by format jitter.
        rows: held-out rows evaluated at most. prompts: of them that are answered. tokens: of an answer, at most.
    """

    steps: int = 40
    repair_steps: int = 20
    seeds: int = 3
    weight: float = 1.0
    cap: float = CAP
    forget: Literal["opening", "response"] = "opening"
    mix: float = 0.25
    jitter: Jitter = field(default_factory=Jitter)
    rows: int = 128
    prompts: int = 64
    tokens: int = 24

    def __post_init__(self) -> None:
        for name in ("steps", "repair_steps", "seeds", "rows", "prompts", "tokens"):
            if getattr(self, name) < 1:
                raise UsageError(
                    f"{name} = {getattr(self, name)}", expected="at least 1", todo=f"set {name} to 1 or more"
                )
        for name, value in (("weight", self.weight), ("cap", self.cap)):
            if not 0 < value < math.inf:
                raise UsageError(
                    f"{name} of the forgetting loss = {value}",
                    expected="a positive number",
                    todo=f"set {name}, or omit it for the default",
                )
        if not 0 < self.mix < 1:
            raise UsageError(
                f"mix = {self.mix}",
                expected="a fraction of real rows between 0 and 1",
                todo="set mix, for example to 0.5",
            )
        if self.forget not in {"opening", "response"}:
            raise UsageError(
                f"forget = {self.forget!r}", expected="opening or response", todo="set forget to one of them"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """What was measured.

    Attributes:
        template: of the dataset. states: of each variant, one per seed.
        ``arms``: variant to its ``pattern.*`` estimates. contrasts: the ``repair.*`` estimates.
        notes: on rows that were cut.
    """

    template: Template
    states: Mapping[str, Sequence[State]]
    arms: Mapping[str, Mapping[str, Estimate]]
    contrasts: Mapping[str, Estimate]
    notes: tuple[str, ...]

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

    def arm(self, name: str) -> dict[str, Estimate]:
        """Estimates in the table row of a variant."""
        removed = self.reported.get(f"repair.removed@{name}")
        return dict(self.arms[name]) | ({} if removed is None else {"repair.removed": removed})


def ablate(design: AblationDesign, *, folder: Path, resume: bool = False, progress: Progress = silent) -> Ablation:
    """Run every variant in every seed that is not yet in ``folder``, and compare them.

    Raises:
        UsageError: what is resumed was another job. UnfinishedError: not enough memory; finished parts are kept.
        MissingDependencyError: trl, datasets, torch, transformers or peft is not installed.
    """
    store = ArmStore.open(folder / "work", design.settings, resume=resume)
    return _AblationRun(design, store, progress).go()


@dataclass(slots=True)
class AblationDesign:
    """The model and the rows, and which of them a variant learns from."""

    model: CausalModel
    real: TokenizedRows
    synthetic: TokenizedRows
    judged: TokenizedRows
    rows: Rows
    treatment: Treatment
    seed: int
    template: Template
    jittered: dict[int, TokenizedRows] = field(default_factory=dict)

    @classmethod
    def of(
        cls, study: Study, proxy: CausalProxy, treatment: Treatment, *, seed: int = 0, progress: Progress = silent
    ) -> AblationDesign:
        """Read the rows and load the model; run checks that would fail later.

        Raises:
            InputError: rows or model cannot be used. UnfinishedError: not enough memory.
            MissingDependencyError: trl, datasets, torch, transformers or peft is not installed.
        """
        real, synthetic, test = study.real, study.synthetic, study.test
        for side in (real, synthetic):
            _check(side)
        template = template_of(list(synthetic.sides.values())[1])
        rows = Rows.of(real, synthetic, test)
        rows.every(treatment.seeds, Streams(seed, ("repair",)))
        model = proxy.open(progress)
        reader = model.reader(Kind.PAIR)
        own, made = TokenizedRows(reader, real), TokenizedRows(reader, synthetic)
        judged = own if test is None else TokenizedRows(reader, test)
        design = cls(model, own, made, judged, rows, treatment, seed, template)
        design.find_out()
        return design

    @property
    def streams(self) -> Streams:
        """All randomness."""
        return Streams(self.seed, ("repair",))

    @property
    def settings(self) -> dict[str, object]:
        """All that the outcomes depend on, in words that can be compared."""
        proxy = {name: value for name, value in asdict(self.model.proxy).items() if name not in {"model", "device"}}
        plan = {name.replace("_", " "): value for name, value in asdict(self.treatment).items() if name != "seeds"}
        return {
            "real rows": self.real.rows.fingerprint,
            "synthetic rows": self.synthetic.rows.fingerprint,
            "test rows": None if self.rows.forecast else self.judged.rows.fingerprint,
            "seed": self.seed,
            "weights of the model": self.model.identity,
            "device": self.model.device,
            **proxy,
            **plan,
        }

    def find_out(self) -> None:
        """Checks before training: an opening to forget in every seed, enough memory."""
        for seed in range(self.treatment.seeds):
            self.lesson("forget", seed)
        own, size = self.round(0), self.model.proxy.batch
        some = self.real.take(own.anchors[: 8 * size]) + self.synthetic.take(own.synthetic[: 8 * size])
        self.model.slopes(sorted(some, key=lambda row: -len(row.ids))[:size])

    def round(self, seed: int) -> Round:
        """The rows of a seed."""
        return self.rows.round(seed, self.streams)

    def steps(self, arm: str) -> int:
        """Optimizer steps of a variant."""
        if arm == "untrained":
            return 0
        return self.treatment.steps if arm in {"overfitted", *PREVENTIONS} else self.treatment.repair_steps

    def lesson(self, arm: str, seed: int) -> Lesson:
        """The rows a variant learns, the same for variants with the same kind of rows."""
        size, plan = self.model.proxy.batch, self.treatment
        if arm in {"overfitted", "jitter"}:
            return replay(self._batches(self._side(arm, seed), self.round(seed).synthetic, "synthetic", seed, size))
        real = self._batches(self.real, self.round(seed).anchors, "real", seed, size)
        if arm in {"replay", "anchors"}:
            return replay(real)
        if arm == "mix":
            return replay(self._mixed(real, seed, size))
        if arm == "forget":
            return forget(self._openings(seed, size), cap=plan.cap)
        return both(real, self._openings(seed, max(size // 2, 1)), weight=plan.weight, cap=plan.cap)

    def _mixed(self, real: Batch, seed: int, size: int) -> Batch:
        count = min(max(round(self.treatment.mix * size), 1), size)
        made = self._batches(self.synthetic, self.round(seed).synthetic, "synthetic", seed, size)
        return lambda step: [*real(step)[:count], *made(step)[: size - count]]

    def _openings(self, seed: int, size: int) -> Batch:
        with_it = np.intersect1d(self.template.rows, self.round(seed).synthetic)
        rows = forgettable(self.synthetic.take(with_it), whole=self.treatment.forget == "response")
        order = self._order("openings", seed, len(rows), size)
        return lambda step: [rows[i] for i in order[step]]

    def _batches(self, side: TokenizedRows, pool: Ints, name: str, seed: int, size: int) -> Batch:
        order = self._order(name, seed, pool.size, size)
        return lambda step: side.take(pool[order[step]])

    def _order(self, name: str, seed: int, pool: int, size: int) -> Ints:
        steps = max(self.treatment.steps, self.treatment.repair_steps)
        return seen(pool, steps * size, self.streams.stream(name, str(seed))).reshape(steps, size)

    def _side(self, arm: str, seed: int) -> TokenizedRows:
        if arm != "jitter":
            return self.synthetic
        if seed not in self.jittered:
            rng = self.streams.stream("jitter", str(seed))
            self.jittered[seed] = TokenizedRows(self.synthetic.reader, self.treatment.jitter(self.synthetic.rows, rng))
        return self.jittered[seed]


@dataclass(slots=True)
class _AblationRun:
    """All variants of all seeds, one after the other."""

    design: AblationDesign
    store: ArmStore
    progress: Progress
    done: float = 0.0

    def go(self) -> Ablation:
        seeds = range(self.design.treatment.seeds)
        states: dict[str, list[State]] = {arm: [] for arm in ARMS}
        for seed in seeds:
            for arm in ARMS:
                states[arm].append(self._arm(arm, seed))
        clusters = [self.design.rows.judged_cluster[self._judged(seed)] for seed in seeds]
        self.progress("done", 1.0)
        return Ablation(
            template=self.design.template,
            states=states,
            arms={arm: measures(found, clusters, self.design.template) for arm, found in states.items()},
            contrasts=removals(states, clusters),
            notes=self._notes(),
        )

    def _arm(self, arm: str, seed: int) -> State:
        shared = arm == "untrained" and not self.design.rows.forecast
        name = f"{arm}-{0 if shared else seed}"
        found = self.store.find(name)
        steps = self.design.steps(arm)
        self.progress(f"seed {seed + 1}: {arm}", self.done)
        if found is None:
            if steps:
                self._train(arm, seed, name, steps)
            else:
                self.design.model.reset(seed)
            state = self._measured(arm, seed)
            weights = copied(self.design.model) if arm == "overfitted" else []
            found = _packed(state, [weight.numpy() for weight in weights])
            self.store.keep(name, found)
        self.done += (steps + MEASURED) / self._all_steps()
        return _unpacked(found)

    def _train(self, arm: str, seed: int, name: str, steps: int) -> None:
        """Afterwards the model holds the trained adapter."""
        lesson = self.design.lesson(arm, seed)
        before, taken = self.done, 0

        def watch() -> None:
            nonlocal taken
            taken += 1
            self.progress(f"seed {seed + 1}: {arm}", before + taken / self._all_steps())

        adapt(
            self.design.model,
            Material(lesson.batch, (), math.nan, lesson.stepper, self._overfitted(seed) if arm in REPAIRS else None),
            Schedule(steps=steps, rates=self.design.model.proxy.rates[:1], checks=0),
            seed=int(self.design.streams.stream("adapter", str(seed)).integers(2**31)),
            state=self.store.state(name),
            watch=watch,
        )

    def _overfitted(self, seed: int) -> list[Tensor]:
        import torch

        found = self.store.find(f"overfitted-{seed}") or {}
        return [torch.from_numpy(found[f"weight {i}"]) for i in range(len(self.design.model.weights()))]

    def _measured(self, arm: str, seed: int) -> State:
        rows = self._judged(seed)
        asked = next(iter(self.design.judged.rows.sides.values()))
        return state_of(
            self.design.model,
            reader=self.design.judged.reader,
            rows=self.design.judged.take(rows),
            prompts=[asked[int(row)] for row in rows[: self.design.treatment.prompts]],
            tokens=self.design.treatment.tokens,
            seed=int(self.design.streams.stream("said", arm, str(seed)).integers(2**31)),
        )

    def _judged(self, seed: int) -> Ints:
        return self.design.round(seed).judged[: self.design.treatment.rows]

    def _all_steps(self) -> int:
        return self.design.treatment.seeds * sum(self.design.steps(arm) + MEASURED for arm in ARMS)

    def _notes(self) -> tuple[str, ...]:
        sides = {
            "real rows": self.design.real,
            "synthetic rows": self.design.synthetic,
            "test rows": self.design.judged,
        }
        if self.design.rows.forecast:
            del sides["test rows"]
        return cut_rows(sides)


def _check(rows: Dataset) -> None:
    if rows.kind is not Kind.PAIR:
        raise InputError(
            f"{rows.name} holds rows of kind {rows.kind}",
            expected="pairs of prompt and response",
            todo="name the fields: --text prompt+response",
        )


def _packed(state: State, weights: Sequence[Singles]) -> Arrays:
    said = json.dumps([[one.text, one.ended, one.broken] for one in state.said]).encode()
    arrays: Arrays = {
        "loss": state.loss,
        "tokens": state.tokens,
        "said": np.frombuffer(said, dtype=np.uint8),
    }
    return {**arrays, **{f"weight {i}": weight for i, weight in enumerate(weights)}}


def _unpacked(arrays: Arrays) -> State:
    said = tuple(SampledResponse(*one) for one in json.loads(arrays["said"].tobytes()))
    return State(arrays["loss"], arrays["tokens"], said)
