"""Sentences of ``syngain probe``: computable quantities, and reasons for limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from syngain.generators.protocol import Capabilities

Allowed = Literal["estimate", "interval", "upper", "lower", "no"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantitySupport:
    """A quantity, how far it can be computed, and the reason."""

    quantity: str
    allowed: Allowed
    why: str


def accounting(found: Capabilities, reasons: dict[str, str]) -> tuple[QuantitySupport, ...]:
    """Which quantities of THEORY section 3 can be computed, with reasons."""
    gain = _gain(found, reasons)
    prompt = _prompt(found, reasons)
    total = QuantitySupport(
        quantity="entropy of outputs",
        allowed="no" if "no" in {gain.allowed, prompt.allowed} else "interval",
        why="the sum of information gain and prompt information"
        + ("; one of them is missing" if "no" in {gain.allowed, prompt.allowed} else ", an interval like the latter"),
    )
    return (
        gain,
        prompt,
        total,
        QuantitySupport(
            quantity="semantic split",
            allowed="lower",
            why="from texts, at least 8 samples per prompt"
            + (", clusters weighted by probability" if found.chosen else "; clusters weighted by counts only"),
        ),
        QuantitySupport(
            quantity="novelty under a proxy",
            allowed="estimate",
            why="from texts alone: a model trained on the real rows scores them",
        ),
        QuantitySupport(
            quantity="divergence of curation",
            allowed="estimate",
            why="from the fraction that each filter accepts",
        ),
    )


def _gain(found: Capabilities, reasons: dict[str, str]) -> QuantitySupport:
    name = "information gain"
    if not found.chosen:
        return QuantitySupport(
            quantity=name,
            allowed="no",
            why=f"no log-probabilities of the answer ({reasons.get('chosen', 'none are sent')})",
        )
    if found.full:
        return QuantitySupport(quantity=name, allowed="estimate", why="the whole distribution is known: Rao-Blackwell")
    more = (
        f"; a Rao-Blackwell interval from the top {found.top}"
        if found.top
        else f"; no Rao-Blackwell, only chosen tokens ({reasons.get('top', 'no alternatives are sent')})"
    )
    if found.mode == "processed":
        return QuantitySupport(
            quantity=name, allowed="estimate", why=f"plain, at every temperature: the mode is processed{more}"
        )
    reason = "the mode is raw" if found.mode == "raw" else f"the mode is unknown ({reasons.get('mode', 'not tried')})"
    return QuantitySupport(
        quantity=name,
        allowed="estimate",
        why=f"plain, at temperature 1 and top-p 1 only; else an upper bound (cross-entropy), because {reason}{more}",
    )


def _prompt(found: Capabilities, reasons: dict[str, str]) -> QuantitySupport:
    name = "prompt information"
    if not found.prompt:
        return QuantitySupport(
            quantity=name,
            allowed="no",
            why=f"outputs cannot be scored under other prompts ({reasons.get('prompt', 'not tried')})",
        )
    if found.mode == "exact":
        return QuantitySupport(quantity=name, allowed="interval", why="cross-scoring with exact log-probabilities")
    return QuantitySupport(
        quantity=name,
        allowed="lower",
        why="cross-scoring with raw log-probabilities: only the lower end of the bracket"
        + ("" if found.mode == "processed" else ", both ends at temperature 1 and top-p 1"),
    )
