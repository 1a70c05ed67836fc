"""What the variants of a repair learn from: rows, batches and starting points.

A variant of a seed starts from the untrained or the overfitted adapter and takes a fixed number of steps at one
learning rate; only early stop chooses its step, by held-out real rows. Real rows that are evaluated on or held out are
never trained on.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.core.progress import Progress, silent
from syngain.core.rng import Streams
from syngain.data.columns.roles import Kind
from syngain.data.splits import folds
from syngain.learners.completions import TokenizedRows
from syngain.training.repair.answer_forms import real_forms
from syngain.training.repair.losses import Lesson, both, forget, forgettable, replay
from syngain.training.repair.openings import Template, template_of
from syngain.training.repair.other_rows import OtherRows
from syngain.training.repair.retention import RowHalves
from syngain.training.repair.treatment import variants
from syngain.training.student.splits import Round, Rows, seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from syngain.core.arrays import Ints
    from syngain.data.dataset import Dataset
    from syngain.data.study import Study
    from syngain.learners.causal import CausalModel, CausalProxy
    from syngain.learners.completions import Completion
    from syngain.training.repair.treatment import Treatment

    Batch = Callable[[int], list[Completion]]


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
    others: OtherRows | None = None
    jittered: dict[int, TokenizedRows] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        study: Study,
        proxy: CausalProxy,
        treatment: Treatment,
        *,
        retain: Dataset | None = None,
        seed: int = 0,
        progress: Progress = silent,
    ) -> AblationDesign:
        """Read the rows and load the model; run checks that would fail later.

        Args:
            study: real, synthetic and test rows.
            proxy: the model.
            treatment: its variants.
            retain: real rows of other kinds, on which what is forgotten is measured.
            seed: of every random choice.
            progress: called while the model is loaded.

        Raises:
            InputError: rows or model cannot be used. UnfinishedError: not enough memory.
            MissingDependencyError: trl, datasets, torch, transformers or peft is not installed.
        """
        real, synthetic, test = study.real, study.synthetic, study.test
        for side in (real, synthetic):
            _check(side)
        template = template_of(list(synthetic.sides.values())[1])
        rows, streams = Rows.of(real, synthetic, test), Streams(seed, ("repair",))
        rows.every(treatment.seeds, streams)
        model = proxy.open(progress)
        reader = model.reader(Kind.PAIR)
        own, made = TokenizedRows(reader, real), TokenizedRows(reader, synthetic)
        judged = own if test is None else TokenizedRows(reader, test)
        known = [data for data in (real, synthetic, test) if data is not None]
        others = None if retain is None else OtherRows.of(reader, retain, known, most=treatment.rows, streams=streams)
        design = cls(model, own, made, judged, rows, treatment, seed, template, others)
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
            **({} if self.others is None else {"rows of other kinds": self.others.side.rows.fingerprint}),
            "seed": self.seed,
            "weights of the model": self.model.identity,
            "device": self.model.device,
            **proxy,
            **plan,
        }

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants of this run."""
        return variants(retaining=self.others is not None)

    def find_out(self) -> None:
        """Checks before training: an opening to forget in every seed, rows in both halves, enough memory."""
        for seed in range(self.treatment.seeds):
            self.lesson("forget", seed)
        _ = self.halves
        own, size = self.round(0), self.model.proxy.batch
        some = self.real.take(own.anchors[: 8 * size]) + self.synthetic.take(own.synthetic[: 8 * size])
        if self.others is not None:
            some += self.others.side.take(self.others.rehearsed[: 8 * size])
        self.model.slopes(sorted(some, key=lambda row: -len(row.ids))[:size])

    def round(self, seed: int) -> Round:
        """The rows of a seed."""
        return self.rows.round(seed, self.streams)

    def judged_rows(self, seed: int) -> Ints:
        """The real rows that are scored in a seed, in their order."""
        return self.round(seed).judged[: self.treatment.rows]

    @property
    def asked(self) -> Ints:
        """The reported rows of other kinds whose prompts are answered, the first ones that are scored."""
        if self.others is None:
            return np.empty(0, dtype=np.int64)
        return self.others.scored[self.others.reported][: self.treatment.prompts]

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms of their real responses."""
        if self.others is None:
            return ()
        side = self.others.side
        return real_forms(side.reader, side.take(self.asked), self.treatment.tokens)

    @property
    def halves(self) -> tuple[RowHalves, RowHalves] | None:
        """Halves of the real rows that are scored, and of those of other kinds; None without these.

        Whole near-duplicate clusters, the same in all seeds.

        Raises:
            InputError: a half of the real rows has fewer than two clusters.
        """
        if self.others is None:
            return None
        seeds, deal = self.treatment.seeds, folds(self.rows.judged_cluster, 2, self.streams.stream("halves"))
        rows = [self.judged_rows(seed) for seed in range(seeds)]
        real = RowHalves(tuple(self.rows.judged_cluster[own] for own in rows), tuple(deal[own] == 1 for own in rows))
        return real, RowHalves.same(self.others.cluster[self.others.scored], self.others.reported, seeds)

    def lesson(self, arm: str, seed: int) -> Lesson:
        """The rows a variant learns, the same for variants with the same kind of rows."""
        size, plan = self.model.proxy.batch, self.treatment
        if arm in {"overfitted", "jitter", "early", "slow"}:
            return replay(self._batches(self._side(arm, seed), self.round(seed).synthetic, "synthetic", seed, size))
        real = self._batches(self.real, self.round(seed).anchors, "real", seed, size)
        if arm in {"replay", "anchors"}:
            return replay(real)
        if arm == "mix":
            made = self._batches(self.synthetic, self.round(seed).synthetic, "synthetic", seed, size)
            return replay(_mixed(real, made, plan.mix, size))
        if arm == "rehearse" and self.others is not None:
            other = self._batches(self.others.side, self.others.rehearsed, "other rows", seed, size)
            return replay(_mixed(other, real, plan.rehearsed, size))
        if arm == "forget":
            return forget(self._openings(seed, size), cap=plan.cap)
        return both(real, self._openings(seed, max(size // 2, 1)), weight=plan.weight, cap=plan.cap)

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


def _mixed(first: Batch, second: Batch, share: float, size: int) -> Batch:
    """Batches with a fraction of rows of the first kind, at least one row."""
    count = min(max(round(share * size), 1), size)
    return lambda step: [*first(step)[:count], *second(step)[: size - count]]


def _check(rows: Dataset) -> None:
    if rows.kind is not Kind.PAIR:
        raise InputError(
            f"{rows.name} holds rows of kind {rows.kind}",
            expected="pairs of prompt and response",
            todo="name the fields: --text prompt+response",
        )
