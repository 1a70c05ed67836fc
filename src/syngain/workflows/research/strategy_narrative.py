"""Sentences on strategies and on what orders them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from syngain.core.result import Verdict
from syngain.gain.outcome.effects import gain_words
from syngain.workflows.research.strategy_ranks import PROXY
from syngain.workflows.research.strategy_students import STUDENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.estimate import Estimate
    from syngain.workflows.research.strategy_settings import StrategySettings

WORDS = {
    "ranking.information_gain": "information gain",
    "ranking.prompt_information": "prompt information",
    "ranking.entropy": "entropy",
    "ranking.minus_divergence": "minus total variation",
    "ranking.minus_js": "minus Jensen-Shannon divergence",
    "ranking.minus_mmd": "minus mean discrepancy",
    "ranking.minus_generation_divergence": "minus effect of curation",
    "ranking.minus_ld_cmi": "minus memorization (ld-CMI)",
    "ranking.minus_e_cmi": "minus memorization (e-CMI)",
    "ranking.minus_f_cmi": "minus memorization (f-CMI)",
    "ranking.ggmi": "GGMI",
    "ranking.minus_bound_valid": "minus the valid bound",
    "ranking.minus_bound_memorization": "minus the memorization bound",
    "ranking.minus_bound_published": "minus the published bound",
    "ranking.minus_cost": "minus cost",
}


def verdict(by_cell: Mapping[str, Mapping[str, Estimate]], ranked: Mapping[str, Estimate]) -> Verdict:
    """The strategy with the largest measured gain, and the quantity that orders strategies best."""
    gains = {name: _gain(found) for name, found in by_cell.items()}
    known = {name: item for name, item in gains.items() if item is not None and math.isfinite(item.value)}
    if not known:
        return Verdict(
            decision="cannot_tell",
            sentence="Inconclusive: no strategy kept 20 rows, so no gain was measured.",
            action="Raise `rows`, or loosen `curate`.",
            next_command="syngain strategies RECIPE --real REAL --test TEST",
        )
    best = max(known, key=lambda name: known[name].value)
    lowest, highest = known[best].interval(0.9)
    parts = [f"Largest measured gain of {len(known)} strategies: {best}, {gain_words(known[best])}."]
    parts.append("It is the largest of several, so it may be overestimated.")
    alone = {name: item for name, item in ranked.items() if name in WORDS}
    if alone:
        first = max(alone, key=lambda name: alone[name].value)
        parts.append(f"Closest to the order of the gains: {WORDS[first]}, {_words(alone[first])}.")
        if "ranking.information_gain" in alone and first != "ranking.information_gain":
            parts.append(f"Information gain alone: {_words(alone['ranking.information_gain'])}.")
    if PROXY in ranked:
        parts.append(f"The proxy and fine-tuned models: {_words(ranked[PROXY])}.")
    if not alone:
        parts.append("Rank correlations need at least six measured strategies.")
    return Verdict(
        decision="cannot_tell",
        sentence=" ".join(parts),
        action=_action(best, lowest, highest),
        next_command="syngain gain REAL SYNTHETIC --test TEST",
    )


def _action(best: str, lowest: float, highest: float) -> str:
    """What to do about the best strategy, by the 90% interval of its gain."""
    if lowest > 0:
        return f"{best} has the largest measured gain."
    if highest < 0:
        return f"Even {best} lowers the score: use none of them."
    return "No strategy has a significant gain."


def _gain(found: Mapping[str, Estimate]) -> Estimate | None:
    return next((item for name, item in found.items() if name.startswith("gain.")), None)


def _words(item: Estimate) -> str:
    low, high = item.interval(0.95)
    bounds = f", 95% CI [{low:+.2f}, {high:+.2f}]" if math.isfinite(high - low) else ""
    return f"rank correlation {item.value:+.2f}{bounds}"


def chain_note(gain: Estimate | None, leaked: Estimate | None) -> str:
    """What a chain ends in: the KL gap on held-out rows, and the scale of memorization."""
    parts = []
    if gain is not None and math.isfinite(gain.value):
        parts.append(f"Decrease of the KL gap on held-out rows: {gain_words(gain)}.")
    if leaked is not None:
        parts.append(
            "Memorization: nats per training row that losses leak, at most ln 2 = 0.69; another scale than rows."
        )
    return " ".join(parts)


def computed(
    records: Mapping[tuple[int, str], Mapping[str, Any]], settings: StrategySettings, *, draws: int
) -> tuple[tuple[str, str], ...]:
    """Paragraphs on methods, with the sizes."""
    used = [record["used"] for record in records.values() if record["used"]]
    short = [f"{name} (draw {draw + 1})" for (draw, name), record in records.items() if not record["used"]]
    sizes = f"{min(used)} kept rows of each" if used else "no cell"
    tuned = sorted({name for (_, name), record in records.items() if STUDENT in record["estimates"]})
    proxy = (
        f"a low-rank correction on the hidden states of {settings.model}, frozen; not calibrated on fine-tuned models"
        if settings.proxy == "frozen"
        else "the proxy of the rows' kind: labels by a linear model, texts by n-grams"
    )
    return (
        ("Cells", f"{len(records) // draws} strategies, {draws} draws of real rows. Measured at one size: {sizes}."),
        *((("Left out", f"Fewer kept rows than {max(used, default=20)}: {_listed(short)}."),) if short else ()),
        ("Gain", f"Real and synthetic rows versus real rows alone, on the test rows, paired by row. Proxy: {proxy}."),
        *(
            (
                (
                    "Fine-tuned models",
                    (
                        f"{settings.model} with low-rank adapters, on real rows and those of {len(tuned)} strategies, "
                        "evenly spaced in the order of the proxy's gain. All runs of a draw share the run on real rows "
                        "alone, the initial adapter, the order of real rows and the number of steps; averaged weights, "
                        "best of six steps on held-out real rows. One seed: intervals are those of test rows and draws."
                    ),
                ),
            )
            if tuned
            else ()
        ),
        (
            "Divergence",
            "Kept rows versus test rows: what a classifier detects, a lower bound; embeddings for the discrepancy.",
        ),
        (
            "Prompt information",
            f"{settings.prompts} prompts of a cell, {settings.samples} outputs of each: at most ln {settings.prompts}.",
        ),
        (
            "Sums as in the bound",
            (
                "Total variation + effect of curation + an information term. The divergence is a lower bound, so the "
                "sums order strategies and certify nothing. The published form uses -information gain + prompt "
                "information + H(e_M) with H(e_M) at its least, which leaves prompt information; it is not a valid "
                "bound."
            ),
        ),
        (
            "Rank correlations",
            (
                "Mean over draws of the correlation over cells; intervals resample cells and draws. Cells share real "
                "rows, test rows and a generator: they are no random sample of all strategies."
            ),
        ),
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
