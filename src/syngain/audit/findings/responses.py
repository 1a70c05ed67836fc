"""The finding ``bad_responses``: which kinds, how many, and which rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.findings.rules import EXAMPLES, Context
from syngain.audit.responses.health import MEDIUM
from syngain.audit.responses.kinds import KINDS
from syngain.core.phrases import percent, shortened
from syngain.core.result import SEVERITIES, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.audit.responses.health import ResponseHealth
    from syngain.core.arrays import Flags
    from syngain.core.estimate import Estimate

ID = "bad_responses"
HIGH = 0.02  # a kind's lower limit beyond the real rate
SHOWN = 6  # kinds in the message
PART = 100  # characters of either side of an example


def bad_responses(context: Context) -> Iterator[Finding]:
    """One finding for all kinds of bad responses that are more frequent than among the real rows.

    Kinds of low severity are named only where there is nothing worse.
    """
    health = context.found.responses
    found = kinds_found(health) if health else {}
    if health is None or not found:
        return
    shown = [name for name, severity in found.items() if severity != "low"] or list(found)
    rows = list(dict.fromkeys(row for name in shown for row in np.flatnonzero(health.flags[name]).tolist()))
    yield Finding(
        id=ID,
        severity=min(found.values(), key=SEVERITIES.index),
        message=_message(context, shown),
        evidence=context.evidence(rows),
        examples=tuple(_examples(context, shown)),
        estimates=tuple(f"responses.{name}" for name in shown),
        rows=len(rows),
        flagged=context.positions(rows),
    )


def kinds_found(health: ResponseHealth) -> Mapping[str, Severity]:
    """The kinds that are more frequent than among the real rows, with their severity; the worst first."""
    return worst_first("responses", health.estimates, {name: _severity(health, name) for name in KINDS})


def worst_first(
    family: str, estimates: Mapping[str, Estimate], severities: Mapping[str, Severity | None]
) -> Mapping[str, Severity]:
    """The kinds of a family that have a severity, by it and then by their rate."""
    known = {name: severity for name, severity in severities.items() if severity is not None}
    rate = {name: estimates[f"{family}.{name}"].value for name in known}
    return dict(sorted(known.items(), key=lambda item: (SEVERITIES.index(item[1]), -rate[item[0]])))


def response_reasons(health: ResponseHealth | None) -> Mapping[str, Flags]:
    """Reason to drop (``bad_responses: refusal``) to flags per synthetic row (m,), for kinds that are no mere notes."""
    if health is None:
        return {}
    kinds = [name for name, severity in kinds_found(health).items() if severity != "low"]
    return {f"{ID}: {name}": health.flags[name] for name in kinds}


def _severity(health: ResponseHealth, name: str) -> Severity | None:
    item = health.estimates[f"responses.{name}"]
    if item.adjusted_p is None or item.adjusted_p >= 0.05:
        return None
    real = item.references["real"]
    if KINDS[name].note or item.value - real < MEDIUM:
        return "low"
    return "high" if item.interval(0.95)[0] - real > HIGH else "medium"


def _message(context: Context, kinds: Sequence[str]) -> str:
    parts = []
    for place, name in enumerate(kinds[:SHOWN]):
        item = context.found.estimates[f"responses.{name}"]
        subject = " of responses" if place == 0 else ""
        parts.append(
            f"{percent(item.value)}{subject} {KINDS[name].words}{_which(context, name)}, "
            f"expected {percent(item.references['real'])}"
        )
    more = len(kinds) - SHOWN
    return "; ".join(parts) + (f"; {more} more kinds" if more > 0 else "") + "."


def _which(context: Context, name: str) -> str:
    """The languages of the most frequent mismatch."""
    pair = context.found.responses.languages if context.found.responses else None
    if name != "language" or pair is None:
        return ""
    asked, given, rows = pair
    return f" ({asked} prompt, {given} response: {rows:,} rows)"


def _examples(context: Context, kinds: Sequence[str]) -> Iterator[str]:
    """One row of each kind, then more of the first; the kind, the prompt and the response."""
    health = context.found.responses
    assert health is not None  # noqa: S101  (checked by the caller)
    places = {name: np.flatnonzero(health.flags[name]).tolist() for name in kinds}
    chosen = [(name, places[name][0]) for name in kinds[:EXAMPLES]]
    chosen += [(kinds[0], row) for row in places[kinds[0]][1:]]
    texts = context.frame.synthetic.texts
    for name, row in chosen[:EXAMPLES]:
        prompt, whole = shortened(texts["prompt"][row], PART), texts["response"][row]
        response = _end(whole) if name == "cut" else shortened(whole, PART)
        yield f"[{name.replace('_', ' ')}] {prompt} → {response or '(empty)'}"


def _end(text: str) -> str:
    """The last characters of a text, on one line: a cut shows at the end."""
    line = " ".join(text[-4 * PART :].split())
    return line if len(line) <= PART and len(text) <= 4 * PART else f"…{line[-PART + 1 :]}"
