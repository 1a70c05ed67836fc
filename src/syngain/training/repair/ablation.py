"""The experiment of repair: one model, overfitted on a set, repaired or kept from overfitting, every arm measured.

An arm of a seed starts from the untrained or the overfitted adapter and takes a fixed number of steps at one learning
rate; nothing is stopped early, so no arm is tuned on what it is judged by. Real rows that are judged on or held out
are never trained on.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from syngain.core.errors import InputError, UsageError
from syngain.core.progress import Progress, silent
from syngain.core.rng import Streams
from syngain.data.columns.roles import Kind
from syngain.learners.adapting import Material, Schedule, adapt, copied
from syngain.training.repair.format_jitter import Jitter
from syngain.training.repair.losses import CAP, Lesson, both, forget, forgettable, replay
from syngain.training.repair.openings import Template, template_of
from syngain.training.repair.pattern_metrics import State, measures, state_of
from syngain.training.repair.removed_share import PREVENTIONS, REPAIRS, removals
from syngain.training.repair.sampling import Said
from syngain.training.shelf import Shelf
from syngain.training.student.arms import Side
from syngain.training.student.splits import Round, Rows, seen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from syngain.core.arrays import Ints
    from syngain.core.estimate import Estimate
    from syngain.data.dataset import Dataset
    from syngain.learners.causal import CausalModel, CausalProxy
    from syngain.learners.completions import Completion

    Batch = Callable[[int], list[Completion]]

ARMS = ("untrained", "overfitted", *REPAIRS, "anchors", *PREVENTIONS)
MEASURED = 6  # steps that take about as long as measuring a state, for the share done


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """How the set is trained on and repaired.

    Attributes:
        steps: of the overfitted model and of the prevention arms. repair_steps: of every repair. seeds: of everything.
        weight: of the forgetting loss beside replay. cap: of its slope, see :func:`..repairing.forgetting`.
        forget: what is forgotten, the shared ``opening`` or the whole ``response``.
        mix: share of real rows in each batch of the prevention by mixing. jitter: the prevention by format jitter.
        rows: held-out rows judged at most. prompts: of them that are answered. tokens: of an answer, at most.
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
                raise UsageError(f"{name.replace('_', ' ')} = {getattr(self, name)}", expected="at least 1")
        for name, value in (("weight", self.weight), ("cap", self.cap)):
            if not 0 < value < math.inf:
                raise UsageError(f"{name} of the forgetting loss = {value}", expected="a positive number")
        if not 0 < self.mix < 1:
            raise UsageError(f"mix = {self.mix}", expected="a share of real rows between 0 and 1")
        if self.forget not in {"opening", "response"}:
            raise UsageError(f"forget = {self.forget!r}", expected="opening or response")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """What was measured.

    Attributes:
        template: of the set. states: of each arm, one per seed.
        arms: arm to its ``pattern.*`` estimates. contrasts: the ``repair.*`` estimates. cut: notes on rows cut.
    """

    template: Template
    states: Mapping[str, Sequence[State]]
    arms: Mapping[str, Mapping[str, Estimate]]
    contrasts: Mapping[str, Estimate]
    notes: tuple[str, ...]


def ablate(  # noqa: PLR0913  (all by name but the two sets)
    real: Dataset,
    synthetic: Dataset,
    *,
    test: Dataset | None,
    proxy: CausalProxy,
    treatment: Treatment,
    folder: Path,
    seed: int = 0,
    resume: bool = False,
    progress: Progress = silent,
) -> Ablation:
    """Run every arm in every seed that is not yet in ``folder``, and compare them.

    Raises:
        InputError: rows or model cannot be used; before the first step. UsageError: what is resumed was another job.
        UnfinishedError: not enough memory, found out before the first step; what is done is kept.
        MissingDependencyError: trl, datasets, torch, transformers or peft is not installed.
    """
    for side in (real, synthetic):
        _check(side)
    template = template_of(list(synthetic.sides.values())[1])
    streams = Streams(seed, ("repair",))
    rows = Rows.of(real, synthetic, test)
    rows.every(treatment.seeds, streams)
    model = proxy.open(progress)
    reader = model.reader(Kind.PAIR)
    own, made = Side(reader, real), Side(reader, synthetic)
    judged = own if test is None else Side(reader, test)
    bench = _Bench(model, own, made, judged, rows, treatment, streams, template)
    bench.find_out()
    settings: dict[str, object] = {
        "real rows": real.fingerprint,
        "synthetic rows": synthetic.fingerprint,
        "test rows": None if test is None else test.fingerprint,
        "seed": seed,
        "weights of the model": model.identity,
        "device": model.device,
    }
    settings |= {name: value for name, value in asdict(proxy).items() if name not in {"model", "device"}}
    settings |= {name.replace("_", " "): value for name, value in asdict(treatment).items() if name != "seeds"}
    shelf = Shelf.open(folder / "work", settings, resume=resume)
    return _Run(bench, shelf, progress).go()


@dataclass(slots=True)
class _Bench:
    """The model and the rows, and which of them an arm learns from."""

    model: CausalModel
    real: Side
    synthetic: Side
    judged: Side
    rows: Rows
    treatment: Treatment
    streams: Streams
    template: Template
    jittered: dict[int, Side] = field(default_factory=dict)

    def find_out(self) -> None:
        """What could only fail later: an opening to forget in every seed, memory for a pass over the longest rows."""
        for seed in range(self.treatment.seeds):
            self.lesson("forget", seed)
        own, size = self.round(0), self.model.proxy.batch
        some = self.real.take(own.anchors[: 8 * size]) + self.synthetic.take(own.synthetic[: 8 * size])
        self.model.slopes(sorted(some, key=lambda row: -len(row.ids))[:size])

    def round(self, seed: int) -> Round:
        return self.rows.round(seed, self.streams)

    def steps(self, arm: str) -> int:
        if arm == "untrained":
            return 0
        return self.treatment.steps if arm in {"overfitted", *PREVENTIONS} else self.treatment.repair_steps

    def lesson(self, arm: str, seed: int) -> Lesson:
        """What an arm learns; arms that see the same kind of rows see the same rows in the same order."""
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

    def _batches(self, side: Side, pool: Ints, name: str, seed: int, size: int) -> Batch:
        order = self._order(name, seed, pool.size, size)
        return lambda step: side.take(pool[order[step]])

    def _order(self, name: str, seed: int, pool: int, size: int) -> Ints:
        steps = max(self.treatment.steps, self.treatment.repair_steps)
        return seen(pool, steps * size, self.streams.stream(name, str(seed))).reshape(steps, size)

    def _side(self, arm: str, seed: int) -> Side:
        if arm != "jitter":
            return self.synthetic
        if seed not in self.jittered:
            rng = self.streams.stream("jitter", str(seed))
            self.jittered[seed] = Side(self.synthetic.reader, self.treatment.jitter(self.synthetic.rows, rng))
        return self.jittered[seed]


@dataclass(slots=True)
class _Run:
    """All arms of all seeds, one after the other."""

    bench: _Bench
    shelf: Shelf
    progress: Progress
    done: float = 0.0

    def go(self) -> Ablation:
        seeds = range(self.bench.treatment.seeds)
        states: dict[str, list[State]] = {arm: [] for arm in ARMS}
        for seed in seeds:
            for arm in ARMS:
                states[arm].append(self._arm(arm, seed))
        clusters = [self.bench.rows.judged_cluster[self._judged(seed)] for seed in seeds]
        self.progress("done", 1.0)
        return Ablation(
            template=self.bench.template,
            states=states,
            arms={arm: measures(found, clusters, self.bench.template) for arm, found in states.items()},
            contrasts=removals(states, clusters),
            notes=self._notes(),
        )

    def _arm(self, arm: str, seed: int) -> State:
        shared = arm == "untrained" and not self.bench.rows.forecast
        name = f"{arm}-{0 if shared else seed}"
        found = self.shelf.find(name)
        steps = self.bench.steps(arm)
        self.progress(f"seed {seed + 1}: {arm}", self.done)
        if found is None:
            if steps:
                self._train(arm, seed, name, steps)
            else:
                self.bench.model.reset(seed)
            state = self._measured(arm, seed)
            weights = copied(self.bench.model) if arm == "overfitted" else []
            found = _packed(state, [weight.numpy() for weight in weights])
            self.shelf.keep(name, found)
        self.done += (steps + MEASURED) / self._all_steps()
        return _unpacked(found)

    def _train(self, arm: str, seed: int, name: str, steps: int) -> None:
        """Afterwards the model holds the trained adapter."""
        lesson = self.bench.lesson(arm, seed)
        before, taken = self.done, 0

        def watch() -> None:
            nonlocal taken
            taken += 1
            self.progress(f"seed {seed + 1}: {arm}", before + taken / self._all_steps())

        adapt(
            self.bench.model,
            Material(lesson.batch, (), math.nan),
            Schedule(steps=steps, rates=self.bench.model.proxy.rates[:1], checks=0),
            seed=int(self.bench.streams.stream("adapter", str(seed)).integers(2**31)),
            state=self.shelf.state(name),
            watch=watch,
            stepper=lesson.stepper,
            start=self._overfitted(seed) if arm in REPAIRS else None,
        )

    def _overfitted(self, seed: int) -> list[Any]:
        import torch

        found = self.shelf.find(f"overfitted-{seed}") or {}
        return [torch.from_numpy(found[f"weight {i}"]) for i in range(len(self.bench.model.weights()))]

    def _measured(self, arm: str, seed: int) -> State:
        rows = self._judged(seed)
        asked = next(iter(self.bench.judged.rows.sides.values()))
        return state_of(
            self.bench.model,
            reader=self.bench.judged.reader,
            rows=self.bench.judged.take(rows),
            prompts=[asked[int(row)] for row in rows[: self.bench.treatment.prompts]],
            tokens=self.bench.treatment.tokens,
            seed=int(self.bench.streams.stream("said", arm, str(seed)).integers(2**31)),
        )

    def _judged(self, seed: int) -> Ints:
        return self.bench.round(seed).judged[: self.bench.treatment.rows]

    def _all_steps(self) -> int:
        return self.bench.treatment.seeds * sum(self.bench.steps(arm) + MEASURED for arm in ARMS)

    def _notes(self) -> tuple[str, ...]:
        sides = {"anchors": self.bench.real, "synthetic rows": self.bench.synthetic, "test rows": self.bench.judged}
        if self.bench.rows.forecast:
            del sides["test rows"]
        tokens = self.bench.real.reader.max_tokens
        return tuple(
            f"{side.cut} of the {len(side.read)} {name} that were read are longer than {tokens} tokens and were cut"
            for name, side in sides.items()
            if side.cut
        )


def _check(rows: Dataset) -> None:
    if rows.kind is not Kind.PAIR:
        raise InputError(
            f"{rows.name} holds rows of kind {rows.kind}",
            expected="pairs of prompt and response: a template is what responses open with",
            todo="name the fields: --text prompt+response",
        )


def _packed(state: State, weights: Sequence[NDArray[Any]]) -> dict[str, NDArray[np.generic]]:
    said = json.dumps([[one.text, one.ended, one.broken] for one in state.said]).encode()
    arrays: dict[str, NDArray[np.generic]] = {
        "loss": state.loss,
        "tokens": state.tokens,
        "said": np.frombuffer(said, dtype=np.uint8),
    }
    return arrays | {f"weight {i}": weight for i, weight in enumerate(weights)}


def _unpacked(arrays: Mapping[str, NDArray[Any]]) -> State:
    said = tuple(Said(*one) for one in json.loads(arrays["said"].tobytes()))
    return State(arrays["loss"], arrays["tokens"], said)
