"""Retention: the loss on real rows of other kinds, before and after a dataset and its repairs.

Gain and retention are weighed on one half of the rows, where the variant is chosen, and reported on the other half: the
numbers of the chosen variant are then not those that made it look best. The unit is nats per response token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.training.repair.answer_forms import adherence
from syngain.training.repair.pattern_metrics import State, measures, real_loss
from syngain.training.repair.removed_share import loss_difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Ints
    from syngain.core.estimate import Estimate
    from syngain.training.repair.openings import Template

CONTROL = "anchors"  # never saw the dataset, so it is no repair of it
OTHER = "held-out real rows of other kinds"
LEVEL = 0.9


@dataclass(frozen=True, slots=True)
class RowHalves:
    """Near-duplicate clusters of the scored rows of each seed, and which of them are reported.

    Raises:
        InputError: a half of a seed has fewer than two clusters.
    """

    clusters: tuple[Ints, ...]
    reported: tuple[Flags, ...]

    def __post_init__(self) -> None:
        for own, flags in zip(self.clusters, self.reported, strict=True):
            fewest = min(np.unique(own[flags]).size, np.unique(own[~flags]).size)
            if fewest < 2:
                raise InputError(
                    f"one half of the evaluated real rows has {fewest} different rows",
                    expected="at least 2 in each half: one chooses the repair, the other reports it",
                    todo="add test rows with --test, or omit --retain",
                )

    @classmethod
    def same(cls, clusters: Ints, reported: Flags, seeds: int) -> RowHalves:
        """The same rows in every seed."""
        return cls((clusters,) * seeds, (reported,) * seeds)

    def chosen(self, *, reported: bool) -> tuple[list[Flags], list[Ints]]:
        """Rows of one half in each seed, and their clusters."""
        flags = [own if reported else ~own for own in self.reported]
        return flags, [own[rows] for own, rows in zip(self.clusters, flags, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Gain and retention of every variant on the reported rows.

    Attributes:
        arms: variant to ``retain.loss`` and ``retain.format``, and except for the untrained model ``retain.change`` and
            ``retain.gain``.
        chosen: the variant that is recommended, by the other half of the rows.
        template: variant to the fraction of answers with the template; empty where too few prompts are answered.
    """

    arms: Mapping[str, Mapping[str, Estimate]]
    chosen: str
    template: Mapping[str, Estimate]

    @property
    def removed(self) -> bool | None:
        """Whether the chosen variant shows the template no more often than the untrained model; None if unknown."""
        if not self.template:
            return None
        return self.template[self.chosen].interval(LEVEL)[0] <= self.template["untrained"].interval(LEVEL)[1]

    @property
    def forgets(self) -> bool:
        """Whether the dataset alone raises the loss on other rows significantly."""
        return self.arms["overfitted"]["retain.change"].interval(LEVEL)[0] > 0


def weighed(
    states: Mapping[str, Sequence[State]],
    real: RowHalves,
    other: RowHalves,
    *,
    template: Template,
    price: float,
    forms: Sequence[str] = (),
) -> Retention:
    """Choose the variant on one half of the rows, report all on the other.

    Chosen is the variant with the largest gain on real rows minus ``price`` times the loss increase on rows of other
    kinds, point estimates; the untrained model has 0. The control of replayed rows alone is not a candidate.

    Args:
        states: by variant, one per seed, each with its state on other rows.
        real: halves of the real rows.
        other: halves of the rows of other kinds.
        template: of the dataset.
        price: nats per token on real rows that a nat on other rows is worth.
        forms: of the responses of the reported rows of other kinds, as many as are answered.
    """
    far_states = {arm: [state.other for state in own if state.other is not None] for arm, own in states.items()}
    near, far = _half(states, real, reported=False), _half(far_states, other, reported=False)
    net = {
        arm: _mean(near["untrained"], near[arm]) - price * _mean(far[arm], far["untrained"])
        for arm in states
        if arm != CONTROL
    }
    shown, kept = _half(states, real, reported=True), _half(far_states, other, reported=True)
    real_clusters, other_clusters = (halves.chosen(reported=True)[1] for halves in (real, other))
    arms = {}
    for arm in states:
        form = adherence(kept[arm], other_clusters, forms)
        arms[arm] = {"retain.loss": real_loss(kept[arm], other_clusters, of=OTHER)}
        arms[arm] |= {} if form is None else {"retain.format": form}
        if arm != "untrained":
            words = f"{arm} minus untrained"
            arms[arm]["retain.change"] = loss_difference(kept[arm], kept["untrained"], other_clusters, words, of=OTHER)
            words = f"untrained minus {arm}"
            arms[arm]["retain.gain"] = loss_difference(shown["untrained"], shown[arm], real_clusters, words)
    found = {arm: measures(own, real_clusters, template) for arm, own in shown.items()}
    return Retention(
        arms=arms,
        chosen=max(net, key=lambda arm: net[arm]),
        template={arm: own["pattern.template_share"] for arm, own in found.items() if "pattern.template_share" in own},
    )


def _half(states: Mapping[str, Sequence[State]], halves: RowHalves, *, reported: bool) -> dict[str, list[State]]:
    """The states on one half of the rows."""
    flags, _ = halves.chosen(reported=reported)
    return {arm: [state.only(rows) for state, rows in zip(own, flags, strict=True)] for arm, own in states.items()}


def _mean(before: Sequence[State], after: Sequence[State]) -> float:
    """Loss of ``before`` minus that of ``after``, per token."""
    gap = sum(float((first.loss - second.loss).sum()) for first, second in zip(before, after, strict=True))
    return gap / sum(int(state.tokens.sum()) for state in before)
