"""The finding ``bad_preferences``: which kinds, how many, and which rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.findings.responses import HIGH, worst_first
from syngain.audit.findings.rules import EXAMPLES, Context
from syngain.audit.preference.kinds import KINDS
from syngain.audit.responses.health import MEDIUM
from syngain.core.phrases import percent, shortened
from syngain.core.result import SEVERITIES, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.audit.preference.health import PreferenceHealth
    from syngain.core.arrays import Flags

ID = "bad_preferences"
LENGTH = 0.1  # the same of a preference for length, from which it is more than a note
PART = 70  # characters of each text of an example


def bad_preferences(context: Context) -> Iterator[Finding]:
    """One finding for all kinds of bad preferences that are more frequent than among the real rows.

    Kinds of low severity are named only where there is nothing worse.
    """
    health = context.found.preferences
    found = kinds_found(health) if health else {}
    if health is None or not found:
        return
    shown = [name for name, severity in found.items() if severity != "low"] or list(found)
    bad = [name for name in shown if not KINDS[name].note] or shown
    rows = list(dict.fromkeys(row for name in bad for row in np.flatnonzero(health.flags[name]).tolist()))
    yield Finding(
        id=ID,
        severity=min(found.values(), key=SEVERITIES.index),
        message=_message(health, shown),
        evidence=context.evidence(rows),
        examples=tuple(_examples(context, health, shown)),
        estimates=tuple(f"preference.{name}" for name in shown),
        rows=_bad_rows(health, bad),
        flagged=context.positions(rows),
    )


def kinds_found(health: PreferenceHealth) -> Mapping[str, Severity]:
    """The kinds that are more frequent than among the real rows, with their severity; the worst first."""
    return worst_first("preference", health.estimates, {name: _severity(health, name) for name in KINDS})


def preference_reasons(health: PreferenceHealth | None) -> Mapping[str, Flags]:
    """Reason to drop (``bad_preferences: equal``) to flags per synthetic row (m,), for kinds that are no mere notes."""
    if health is None:
        return {}
    kinds = [name for name, severity in kinds_found(health).items() if severity != "low" and not KINDS[name].note]
    kinds = [name for name in kinds if name != "swapped" or not coherent(health)]
    return {f"{ID}: {name}": health.flags[name] for name in kinds}


def coherent(health: PreferenceHealth) -> bool:
    """Whether the pairs that contradict the real ones follow another rule of their own, in place of being swapped."""
    item = health.estimates["preference.swapped"]
    return health.coherent and item.interval(0.95)[0] <= 0.5


def _severity(health: PreferenceHealth, name: str) -> Severity | None:
    item = health.estimates.get(f"preference.{name}")
    if item is None or item.adjusted_p is None or item.adjusted_p >= 0.05:
        return None
    beyond, least = item.value - item.references["real"], item.interval(0.95)[0] - item.references["real"]
    if KINDS[name].note:
        return "medium" if least > LENGTH else "low"
    if beyond < MEDIUM:
        return "low"
    return "high" if least > HIGH and not (name == "swapped" and coherent(health)) else "medium"


def _bad_rows(health: PreferenceHealth, kinds: Sequence[str]) -> int:
    """Rows of these kinds; of swapped pairs as many as estimated, if more than are named."""
    rows = int(np.any([health.flags[name] for name in kinds], axis=0).sum())
    if "swapped" not in kinds:
        return rows
    item = health.estimates["preference.swapped"]
    return rows + max(round(min(item.value, 1.0) * item.n) - int(health.flags["swapped"].sum()), 0)


def _message(health: PreferenceHealth, kinds: Sequence[str]) -> str:
    parts: list[str] = []
    for name in kinds:
        subject = "" if parts else " of pairs"
        parts.append(_swapped(health) if name == "swapped" else _counted(health, name, subject))
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _counted(health: PreferenceHealth, name: str, subject: str) -> str:
    item = health.estimates[f"preference.{name}"]
    return f"{percent(item.value)}{subject} {KINDS[name].words}, expected {percent(item.references['real'])}"


def _swapped(health: PreferenceHealth) -> str:
    """The estimated fraction, and the error of the classifier that limits what can be named."""
    item = health.estimates["preference.swapped"]
    seen = f"a classifier trained on real pairs is right on {percent(item.references['accuracy'])} of held-out ones"
    value = percent(min(item.value, 1.0))
    if item.interval(0.95)[0] > 0.5:
        return f"about {value} of pairs look swapped: chosen and rejected may be exchanged ({seen})"
    if coherent(health):
        return f"about {value} of pairs contradict the real preferences but agree with each other ({seen})"
    return f"about {value} of pairs look swapped, {int(health.flags['swapped'].sum()):,} rows named ({seen})"


def _examples(context: Context, health: PreferenceHealth, kinds: Sequence[str]) -> Iterator[str]:
    """One row of each kind, then more of the first: prompt, chosen and rejected response."""
    places = {name: np.flatnonzero(health.flags[name]).tolist() for name in kinds}
    first = [(name, places[name][0]) for name in kinds if places[name]]
    chosen = [*first, *((name, row) for name, _ in first[:1] for row in places[name][1:])]
    rows = context.frame.synthetic
    for name, row in chosen[:EXAMPLES]:
        texts = (rows.texts["prompt"][row], rows.texts["response"][row], rows.preferences.rejected[row])  # type: ignore[union-attr]
        prompt, better, worse = (shortened(text, PART) or "(empty)" for text in texts)
        yield f"[{name.replace('_', ' ')}] {prompt} → chosen: {better} | rejected: {worse}"
