"""Sentences on a repair: the verdict, the finding, the table of arms, and how it was measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from syngain.core.result import Finding, Verdict
from syngain.training.repair.ablation import LEVEL

if TYPE_CHECKING:
    from syngain.core.estimate import Estimate
    from syngain.core.result import Result, Severity
    from syngain.learners.causal import CausalProxy
    from syngain.training.repair.ablation import Ablation, Treatment

EXAMPLES = 5
NAMES = {
    "untrained": "untrained",
    "overfitted": "synthetic only",
    "replay": "replay",
    "forget": "forgetting loss",
    "both": "replay + forgetting loss",
    "anchors": "replayed rows alone",
    "mix": "real rows mixed in",
    "jitter": "format jitter",
}
COLUMNS = ("pattern.real_loss", "repair.removed", "pattern.template_share", "pattern.opening_entropy", "pattern.format")


def findings(found: Ablation) -> tuple[Finding, ...]:
    """``pattern_overfitting``: high when template and loss both rose for sure, medium when one of them did."""
    before, after = (found.arms[arm]["pattern.template_share"] for arm in ("untrained", "overfitted"))
    learned = after.interval(LEVEL)[0] > before.interval(LEVEL)[1]
    hurt = found.hurt
    if not (learned or hurt):
        return ()
    severity: Severity = "high" if learned and hurt else "medium"
    examples = [said.text for said in found.states["overfitted"][0].said if found.template.opens(said.text)]
    return (
        Finding(
            id="pattern_overfitting",
            severity=severity,
            message=f"Trained on this set alone, the model {_opens(found)}, and {_rises(found)}.",
            examples=tuple(examples[:EXAMPLES]),
            estimates=("repair.increase", "pattern.template_share@arm=overfitted"),
            rows=len(found.template.rows),
        ),
    )


def verdict(found: Ablation) -> Verdict:
    """What the set does to a student, and what removes it."""
    alone = "trained on this set alone, the model"
    if found.harmless:
        sentence = f"There is no harm to repair: {alone} {_opens(found)}, and {_rises(found)}."
        return Verdict(decision="cannot_tell", sentence=sentence)
    if not found.hurt:
        sentence = f"Cannot tell what a repair is worth: {alone} {_opens(found)}, and {_rises(found)}."
        return Verdict(decision="cannot_tell", sentence=sentence)
    sentence = f"Do not train on it alone: {_rises(found)}. {_work(found)} {_prevention(found)}"
    return Verdict(decision="do_not_use", sentence=sentence)


def repair_table(result: Result) -> list[list[str]]:
    """The ablation as lines of text: a header, then one line per arm in the order they were run."""
    header = ["arm", "real-row loss", "increase removed", "template share", "opening entropy", "format"]
    return [header, *([name, *(_text(content, column) for column in COLUMNS)] for name, content in result.sets.items())]


def _opens(found: Ablation) -> str:
    before, after = (found.arms[arm]["pattern.template_share"] for arm in ("untrained", "overfitted"))
    return (
        f'opens {_percent(after)} of its answers with "{found.template.opening}" '
        f"({_percent(before, doubt=False)} untrained; {100 * found.template.share:.0f} % of the set)"
    )


def _rises(found: Ablation) -> str:
    increase = found.contrasts["repair.increase"]
    (low, high), did = increase.interval(LEVEL), "rises" if increase.value >= 0 else "changes"
    return f"its loss on held-out real rows {did} by {increase.value:.3f} nats per token ({low:.3f}, {high:.3f})"


def _work(found: Ablation) -> str:
    """Which part of the repair did the work."""
    replay, forget, both = (found.contrasts[f"repair.removed@{arm}"] for arm in ("replay", "forget", "both"))
    added = found.contrasts["repair.added@forget"]
    low, high = added.interval(LEVEL)
    points = f"{100 * added.value:+.0f} points ({_number(low)}, {_number(high)})"
    if low > 0:
        told = "so both did work"
    elif high < 0:
        told = "so replay did the work and the forgetting loss undoes part of it"
    else:
        told = "which cannot be told from nothing: replay did the work" if replay.interval(LEVEL)[0] > 0 else "no more"
    left = found.contrasts["repair.left@replay"]
    rest = f"{left.value:+.3f} ({', '.join(f'{end:.3f}' for end in left.interval(LEVEL))})"
    return (
        f"Replay alone removed {_percent(replay)} of the increase; the forgetting loss on top changes it by {points}, "
        f"{told} (both: {_percent(both)}; forgetting alone: {_percent(forget)}). After replay the loss is {rest} "
        "from that of a model that saw the same real rows and never the set."
    )


def _prevention(found: Ablation) -> str:
    mix, jitter = (found.contrasts[f"repair.removed@{arm}"] for arm in ("mix", "jitter"))
    return f"From the start, real rows mixed in avoid {_percent(mix)} of it, format jitter {_percent(jitter)}."


def _percent(estimate: Estimate, *, doubt: bool = True) -> str:
    low, high = estimate.interval(LEVEL)
    value = f"{100 * estimate.value:.0f} %" if math.isfinite(estimate.value) else "no share"
    return f"{value} ({_number(low)}, {_number(high)})" if doubt else value


def _number(share: float) -> str:
    return f"{100 * share + 0.0:.0f}" if math.isfinite(share) else "unknown"


def _text(content: object, column: str) -> str:
    """For example ``0.96 (0.90, 1.02)``, the 90 % interval; a dash where it was not measured."""
    estimates = content.get("estimates", {}) if isinstance(content, dict) else {}
    item = estimates.get(column)
    if item is None or item["value"] is None:
        return "-"
    ends = item["intervals"].get(f"{LEVEL:.2f}", [None, None])
    low, high = ("?" if end is None else f"{end:z.2f}" for end in ends)
    return f"{item['value']:z.2f} ({low}, {high})"


def paragraphs(found: Ablation, plan: Treatment, proxy: CausalProxy) -> tuple[tuple[str, str], ...]:
    """How it was measured."""
    what = "its shared opening" if plan.forget == "opening" else "the whole response"
    arms = (
        f"Trained on the set for {plan.steps} steps of {proxy.batch} rows at rate {proxy.rates[0]:g}; each repair goes "
        f"on from there for {plan.repair_steps} steps; {plan.seeds} seeds. Nothing is stopped early or tuned."
    )
    losses = (
        f"Replay: surprisal of real rows. Forgetting: -log(1 - p) on {what}, at least 0, slope at most {plan.cap:g}; "
        f"with replay it weighs {plan.weight:g}. Replayed rows alone: the same real rows, the set never seen."
    )
    prevention = (
        f"{100 * plan.mix:.0f} % real rows in every batch; or the opening stripped from "
        f"{100 * plan.jitter.share:.0f} % of the rows that have it; steps as for the set."
    )
    answers = (
        f"One answer of at most {plan.tokens} tokens at temperature 1 to each of at most {plan.prompts} held-out real "
        "prompts. Format: a word is said, and no special token comes but the one that ends the turn."
    )
    return (
        ("Arms", arms),
        ("Losses", losses),
        ("Prevention", prevention),
        ("Answers", answers),
        *((("Rows", ". ".join(found.notes) + "."),) if found.notes else ()),
    )
