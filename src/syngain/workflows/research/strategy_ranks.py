"""Which quantity orders strategies as their measured gain does: bounds as compositions, rank correlations."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.estimate import Estimate
from syngain.core.rng import Streams
from syngain.inference.ranks import spearman_of_cells
from syngain.lab.presets.bounds import bounds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats

    Cells = Sequence[Mapping[str, Estimate]]

GAIN, TV, MOVED = "gain.measured", "divergence.tv_lower", "generation.divergence"
STUDENTS = "students"
PROXY = f"ranking.proxy_gain@{STUDENTS}"
FEWEST_CELLS = 6  # fewer are in one order by chance
VALID, MEMORIZED, PUBLISHED = "bound.valid", "bound.memorization", "bound.published"
QUANTITIES: Mapping[str, tuple[str, float]] = {
    "ranking.information_gain": ("information.gain", 1.0),
    "ranking.prompt_information": ("information.prompt_lower", 1.0),
    "ranking.entropy": ("information.entropy", 1.0),
    "ranking.minus_divergence": (TV, -1.0),
    "ranking.minus_js": ("divergence.js_lower", -1.0),
    "ranking.minus_mmd": ("divergence.mmd2", -1.0),
    "ranking.minus_generation_divergence": (MOVED, -1.0),
    "ranking.minus_ld_cmi": ("ggmi.ld_cmi@synthetic", -1.0),
    "ranking.minus_e_cmi": ("ggmi.e_cmi@synthetic", -1.0),
    "ranking.minus_f_cmi": ("ggmi.f_cmi@synthetic", -1.0),
    "ranking.ggmi": ("ggmi.difference", 1.0),
    "ranking.minus_bound_valid": (VALID, -1.0),
    "ranking.minus_bound_memorization": (MEMORIZED, -1.0),
    "ranking.minus_bound_published": (PUBLISHED, -1.0),
    "ranking.minus_cost": ("strategies.cost", -1.0),
}
EXACT = {
    "information gain": "ranking.information_gain",
    "prompt information": "ranking.prompt_information",
    "minus divergence": "ranking.minus_divergence",
    "minus whole bound": "ranking.minus_bound_valid",
}
EXACT_WORLDS = 400


def with_bounds(found: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """The estimates of a cell with the three sums of divergence and information.

    Every sum is total variation from real rows + effect of curation + the root of half the information per row
    (a loss in [0, 1]). The information is H(M(p)) in the valid chain ``I(S; W) <= H(S) <= H(M(p))``; that of the losses
    (:math:`E sqrt(2 I)` of the ld-CMI); or, as published with ``H(e_M)`` at its least, prompt information alone. The
    divergence is a lower bound, so no sum certifies anything: they order strategies.
    """
    divergence = found.get(TV)
    if divergence is None:
        return dict(found)
    terms = {
        VALID: (_root(found.get("information.entropy")), "valid chain: entropy of a row"),
        MEMORIZED: (found.get("ggmi.bound_ld@synthetic"), "what losses leak about training rows"),
        PUBLISHED: (_root(found.get("information.prompt_lower")), "published form with the least H(e_M): not valid"),
    }
    moved = found.get(MOVED)
    out = dict(found)
    for name, (term, how) in terms.items():
        if term is not None and math.isfinite(term.value):
            out[name] = _sum(divergence, moved, term, how)
    return out


def _root(item: Estimate | None) -> Estimate | None:
    """The root of half the information per row, bounds included."""
    if item is None:
        return None

    def root(value: float) -> float:
        return math.sqrt(max(value, 0.0) / 2)

    ends = {level: (root(low), root(high)) for level, (low, high) in item.intervals.items()}
    return replace(item, value=root(item.value), intervals=ends)


def _sum(divergence: Estimate, moved: Estimate | None, term: Estimate, how: str) -> Estimate:
    """The sum with its terms as references; its interval is the sum of the bounds, which is conservative."""
    parts = [item for item in (divergence, moved, term) if item is not None]
    levels = [level for level in (0.9, 0.95) if all(level in item.intervals for item in parts)]
    ends = {
        level: tuple(sum(max(item.intervals[level][at], 0.0) for item in parts) for at in (0, 1)) for level in levels
    }
    curation = 0.0 if moved is None else moved.value
    return Estimate(
        value=max(divergence.value, 0.0) + curation + term.value,
        unit="ratio",
        method=f"total variation + effect of curation + information term; {how}; interval: sums of bounds",
        estimand="order of strategies; the divergence is a lower bound, so the sum certifies nothing",
        intervals={level: (low, high) for level, (low, high) in ends.items()},
        n=divergence.n,
        references={"divergence": max(divergence.value, 0.0), "curation": curation, "information": term.value},
        marks=("not valid",) if "not valid" in how else ("vacuous",) if term.value >= 1 else (),
    )


def rankings(table: Sequence[Cells], gains: Sequence[Sequence[float]], *, seed: int) -> dict[str, Estimate]:
    """Rank correlation of each quantity with the measured gain, alone and at equal divergence.

    Args:
        table: for each draw the estimates of each cell.
        gains: the measured gains, in the same order.
        seed: of the bootstrap over cells and draws.

    Returns:
        Estimates by id; empty below six cells. A quantity that is known in fewer than six cells is left out.
    """
    outcome = np.array(gains, dtype=float)
    if outcome.shape[1] < FEWEST_CELLS:
        return {}
    given, streams = _column(table, TV), Streams(seed).child("strategies", "ranks")
    found: dict[str, Estimate] = {}
    for name, (source, sign) in QUANTITIES.items():
        values = _signed(table, source, sign)
        if not _orders(values, outcome):
            continue
        found[name] = _estimate(values, outcome, None, streams.stream(name))
        if source != TV:
            found[f"{name}@equal_divergence"] = _estimate(values, outcome, given, streams.stream(name, "partial"))
    return found


def student_rankings(
    table: Sequence[Cells], gains: Sequence[Sequence[float]], students: Sequence[Sequence[float]], *, seed: int
) -> dict[str, Estimate]:
    """The same correlations with the gain of fine-tuned models, and that of the proxy's gain.

    Args:
        table: for each draw the estimates of each cell.
        gains: the gains of the proxy, in the same order.
        students: those of fine-tuned models, NaN where there is none.
        seed: of the bootstrap over cells and draws.

    Returns:
        Estimates by id; empty below six cells with a fine-tuned model.
    """
    outcome = np.array(students, dtype=float)
    cells = np.flatnonzero(np.isfinite(outcome).any(axis=0))
    if cells.size < FEWEST_CELLS:
        return {}
    streams, outcome = Streams(seed).child("strategies", "students"), outcome[:, cells]
    columns = {PROXY: np.array(gains, dtype=float)}
    columns |= {f"{name}@{STUDENTS}": _signed(table, *quantity) for name, quantity in QUANTITIES.items()}
    known = {name: column[:, cells] for name, column in columns.items() if _orders(column[:, cells], outcome)}
    return {name: _estimate(values, outcome, None, streams.stream(name)) for name, values in known.items()}


def _signed(table: Sequence[Cells], source: str, sign: float) -> Floats:
    """A quantity as draws by cells, larger for a larger gain; nothing was moved where nothing was curated."""
    values = sign * _column(table, source)
    return np.where(np.isfinite(values), values, 0.0) if source == MOVED else values


def _orders(values: Floats, outcome: Floats) -> bool:
    """Whether enough cells of every draw are known, and differ."""
    known = np.isfinite(values) & np.isfinite(outcome)
    return bool(known.sum(axis=1).min() >= FEWEST_CELLS and np.ptp(values[known]) > 0)


def _column(table: Sequence[Cells], name: str) -> Floats:
    """A quantity as draws by cells; NaN where it is not known."""
    return np.array([[cell[name].value if name in cell else math.nan for cell in cells] for cells in table])


def _estimate(values: Floats, outcome: Floats, given: Floats | None, rng: np.random.Generator) -> Estimate:
    draws, cells = values.shape
    found = spearman_of_cells(values, outcome, given, rng=rng)
    how = "Spearman" if given is None else "partial Spearman, given total variation from real rows,"
    known = math.isfinite(found.lower)
    return Estimate(
        value=found.value,
        unit="correlation",
        method=f"{how} over {cells} cells, mean over {draws} draws of real rows; interval: cells and draws resampled",
        estimand="how well the quantity orders strategies like these by their measured gain",
        intervals={0.95: (found.lower, found.upper)} if known else {},
        n=cells * draws,
        clusters=draws,
    )


def exact_worlds() -> dict[str, Estimate]:
    """The same correlations in 400 exactly solved simulations of ``syngain lab bounds``, seed 0."""
    found = bounds(streams=Streams(0, ("lab", "bounds")), chains=8, worlds=EXACT_WORLDS)
    return {
        f"{EXACT[item.quantity]}@exact_worlds": Estimate(
            value=item.value,
            unit="correlation",
            method=f"Spearman over {item.worlds} simulations with enumerated gains (`syngain lab bounds`)",
            estimand="how well the quantity orders simulations by their exact gain",
            intervals={0.95: item.interval},
            n=item.worlds,
        )
        for item in found.rankings
    }
