"""``responses.*``: the fraction of synthetic rows of every kind of bad response, next to the real rows' own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.responses.kinds import KINDS, flagged
from syngain.audit.responses.languages import language_names
from syngain.audit.responses.prompt_response import Responses
from syngain.core.estimate import Estimate, holm
from syngain.data.tool_calls.conversations import conversations
from syngain.inference.counts import expected_range, more_often, testable
from syngain.inference.intervals import share_intervals, wilson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.audit.frame import Frame, RowSet
    from syngain.core.arrays import Flags, Ints

MEDIUM = 0.005  # a kind's rate beyond the real rate, from which rows are dropped for it
SAMPLE, LEVEL_OF_SAMPLE = 10_000, 0.998  # rows that are looked at first; level of the upper end of their rate
SIDES = ("prompt", "response")


@dataclass(frozen=True, slots=True)
class ResponseHealth:
    """What was found of the responses.

    Attributes:
        estimates: by id. flags: rows of every kind (m,). languages: of the prompt and the response, with their rows.
    """

    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    flags: Mapping[str, Flags] = field(default_factory=dict)
    languages: tuple[str, str, int] | None = None


def response_health(frame: Frame) -> ResponseHealth | None:
    """The responses of a dataset of pairs; None for other kinds of rows."""
    if tuple(frame.sides) != SIDES:
        return None
    judged, real = (_responses(rows) for rows in (frame.synthetic, frame.real))
    expected = flagged(real, real)
    found, rows = _looked_at(judged, real, expected)
    units = frame.unit if np.unique(frame.unit).size < frame.unit.size else None
    compared = testable({f"responses.{name}": (found[name][rows[name]], expected[name]) for name in KINDS})
    estimates = {
        f"responses.{name}": _estimate(
            name, found[name][rows[name]], expected[name], None if units is None else units[rows[name]]
        )
        for name in KINDS
    }
    adjusted = holm({name: item.p for name, item in estimates.items() if item.p is not None and name in compared})
    return ResponseHealth(
        {name: item.adjusted(adjusted.get(name, 1.0)) for name, item in estimates.items()},
        found,
        language_names(judged, real, found["language"]) if isinstance(rows["language"], slice) else None,
    )


def _looked_at(
    judged: Responses, real: Responses, expected: Mapping[str, Flags]
) -> tuple[dict[str, Flags], dict[str, slice | Ints]]:
    """Flags of every kind (m,), and the rows that were looked at for it.

    Of large datasets a sample first: a kind whose rate there is not half a point above the real rate, not even at the
    upper end of its interval, drops no row, so that the other rows need not be looked at for it.
    """
    if len(judged) <= 2 * SAMPLE:
        return dict(flagged(judged, real)), dict.fromkeys(KINDS, slice(None))
    chosen = np.linspace(0, len(judged) - 1, SAMPLE).round().astype(np.int64)
    first = flagged(judged.take(chosen.tolist()), real)
    most = {name: wilson(float(flags.mean()), SAMPLE, LEVEL_OF_SAMPLE)[1] for name, flags in first.items()}
    names = tuple(name for name in KINDS if most[name] > float(expected[name].mean()) + MEDIUM)
    found: dict[str, Flags] = dict(flagged(judged, real, names)) if names else {}
    for name in KINDS:
        if name not in found:
            found[name] = np.zeros(len(judged), dtype=bool)
            found[name][chosen] = first[name]
    return found, {name: slice(None) if name in names else chosen for name in KINDS}


def _responses(rows: RowSet) -> Responses:
    called = None if rows.data is None else conversations(rows.data)
    return Responses(rows.texts["prompt"], rows.texts["response"], called)


def _estimate(name: str, flags: Flags, real: Flags, units: Ints | None) -> Estimate:
    rate = float(real.mean())
    return Estimate(
        value=float(flags.mean()),
        unit="share",
        method=f"rows whose responses {KINDS[name].words}; exact test of Fisher against the real rows",
        estimand=f"fraction of synthetic rows whose responses {KINDS[name].words}",
        intervals=share_intervals(flags, units),
        null=expected_range(int(real.sum()), real.size, flags.size),
        p=more_often(int(flags.sum()), flags.size, int(real.sum()), real.size),
        n=flags.size,
        clusters=flags.size if units is None else int(np.unique(units).size),
        references={"real": rate},
    )
