"""Small multiples of a table: the columns that differ most, real against synthetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syngain.core.phrases import shortened
from syngain.core.result import Distribution

if TYPE_CHECKING:
    from syngain.audit.tables.checks import TableHealth
    from syngain.core.arrays import Floats
    from syngain.tables.typed import Column

SHOWN = 12  # columns
BINS, VALUES = 12, 10
NAME = 24  # characters of a value


def column_pictures(health: TableHealth) -> list[Distribution]:
    """Histograms of the columns that differ most from their expected range."""
    tables = health.rules.tables
    names = [one.name for one in health.columns][:SHOWN]
    real = tables.held_out or tables.real
    made = [_picture(real.columns[name], tables.synthetic.columns[name]) for name in names]
    return [picture for picture in made if picture is not None]


def _picture(real: Column, synthetic: Column) -> Distribution | None:
    if not real.filled.any() or not synthetic.filled.any():
        return None
    return _words(real, synthetic) if real.kind == "word" else _numbers(real, synthetic)


def _numbers(real: Column, synthetic: Column) -> Distribution:
    """Equal bins between the outer quantiles of both sides; the first and the last take what lies beyond."""
    sides = [side.numbers[np.isfinite(side.numbers)] for side in (real, synthetic)]
    low, high = np.quantile(np.concatenate([side for side in sides if side.size]), (0.005, 0.995)).tolist()
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    counts = [np.histogram(np.clip(side, edges[0], edges[-1]), bins=edges)[0] / max(side.size, 1) for side in sides]
    names = [
        real.shown(float(f"{edge:.3g}") if real.kind == "number" else float(np.floor(edge))) for edge in edges[:-1]
    ]
    return _distribution(real.name, names, counts[0], counts[1])


def _words(real: Column, synthetic: Column) -> Distribution:
    """The most frequent values of both sides together, others as one."""
    sides = [np.bincount(side.codes[side.filled], minlength=len(real.values)) for side in (real, synthetic)]
    shares = [side / max(int(side.sum()), 1) for side in sides]
    order = np.argsort(-(shares[0] + shares[1]), kind="stable")[:VALUES]
    order = order[(shares[0] + shares[1])[order] > 0]
    names = [shortened(real.values[code], NAME) for code in order.tolist()]
    counts = [share[order] for share in shares]
    rest = [max(0.0, 1 - float(count.sum())) for count in counts]
    if max(rest) > 1e-9:
        names.append("others")
        counts = [np.append(count, left) for count, left in zip(counts, rest, strict=True)]
    return _distribution(real.name, names, counts[0], counts[1])


def _distribution(name: str, names: list[str], real: Floats, synthetic: Floats) -> Distribution:
    return Distribution(
        title=f"Column {name}",
        categories=tuple(names),
        real=tuple(round(float(value), 5) for value in real),
        synthetic=tuple(round(float(value), 5) for value in synthetic),
    )
