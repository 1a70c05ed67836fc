"""Sentences on a repair: verdict, finding, table of variants, methods."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from syngain.core.phrases import interval_words, signed
from syngain.core.result import Finding, Verdict
from syngain.learners.completions import loss_sentence
from syngain.training.repair.ablation import LEVEL
from syngain.training.repair.retention_words import forgetting, recommended, retention_paragraphs

if TYPE_CHECKING:
    from syngain.core.estimate import Estimate
    from syngain.core.result import Result, Severity
    from syngain.learners.causal import CausalProxy
    from syngain.training.repair.ablation import Ablation
    from syngain.training.repair.treatment import Treatment

EXAMPLES = 5
_RISE, _TRAIN = "repair.increase", "syngain train REAL SYNTHETIC"
RETAINED = ("retain.gain", "retain.change")
COLUMNS = ("pattern.real_loss", "repair.removed", "pattern.template_share", "pattern.opening_entropy", "pattern.format")


def findings(found: Ablation) -> tuple[Finding, ...]:
    """``pattern_overfitting``: high if template and loss rose, medium if one did."""
    before, after = (found.arms[arm]["pattern.template_share"] for arm in ("untrained", "overfitted"))
    learned = after.interval(LEVEL)[0] > before.interval(LEVEL)[1]
    hurt = found.hurt
    forgot = () if found.retention is None else forgetting(found.retention)
    if not (learned or hurt):
        return forgot
    severity: Severity = "high" if learned and hurt else "medium"
    examples = [said.text for said in found.states["overfitted"][0].said if found.template.opens(said.text)]
    return (
        Finding(
            id="pattern_overfitting",
            severity=severity,
            message=f"Trained on this dataset alone, the model {_opens(found)}. {_rises(found)}.",
            examples=tuple(examples[:EXAMPLES]),
            estimates=("repair.increase", "pattern.template_share@arm=overfitted"),
            rows=len(found.template.rows),
        ),
        *forgot,
    )


def verdict(found: Ablation) -> Verdict:
    """The verdict: what the dataset does to a student, what repairs it, and what the repair costs other rows."""
    alone = _alone(found)
    return alone if found.retention is None else recommended(found.retention, alone)


def _alone(found: Ablation) -> Verdict:
    alone = f"Trained on this dataset alone, the model {_opens(found)}. {_rises(found)}."
    if found.harmless:
        sentence = f"Inconclusive: there is no harm to repair. {alone} To measure the gain: `syngain train`."
        action = "No harm to repair: training on these rows alone raises no loss."
        return Verdict(decision="cannot_tell", sentence=sentence, action=action, estimate=_RISE, next_command=_TRAIN)
    if not found.hurt:
        sentence = f"Inconclusive: the loss increase to repair is not significant. {alone} Add steps or seeds."
        return Verdict(
            decision="cannot_tell",
            sentence=sentence,
            action="The loss increase to repair is not significant.",
            estimate=_RISE,
            needs="more steps or seeds",
            next_command=f"{_TRAIN} --repair --n-repeats 6",
        )
    sentence = f"Do not use it alone. {_rises(found)}. {_work(found)} {_prevention(found)}"
    action = "Do not train on these rows alone: mix in real rows."
    return Verdict(decision="do_not_use", sentence=sentence, action=action, estimate=_RISE, next_command=_TRAIN)


def repair_table(result: Result) -> list[list[str]]:
    """The ablation as lines of text: a header, then one line per variant in run order.

    With rows of other kinds two columns more, in nats per token: gain on real rows and loss increase on other rows.
    """
    header = ["variant", "real-row loss", "increase removed", "template fraction", "opening entropy", "format"]
    columns: tuple[str, ...] = COLUMNS
    if any(name.startswith("retain.") for name in result.estimates):
        header, columns = [*header, "real-row gain", "other-row loss increase"], (*COLUMNS, *RETAINED)
    return [header, *([name, *(_text(content, column) for column in columns)] for name, content in result.sets.items())]


def _opens(found: Ablation) -> str:
    before, after = (found.arms[arm]["pattern.template_share"] for arm in ("untrained", "overfitted"))
    return (
        f'opens {_percent(after)} of its answers with "{found.template.opening}" '
        f"({_percent(before, interval=False)} untrained; {100 * found.template.share:.0f}% of the dataset)"
    )


def _rises(found: Ablation) -> str:
    increase = found.contrasts["repair.increase"]
    did = "rises" if increase.value >= 0 else "changes"
    by = f"{signed(increase.value)} nats per token, {interval_words(increase.interval(LEVEL))}"
    return f"Its loss on held-out real rows {did} by {by}"


def _work(found: Ablation) -> str:
    """Which part of the repair lowered the loss."""
    replay, forget, both = (found.contrasts[f"repair.removed@{arm}"] for arm in ("replay", "forget", "both"))
    added = found.contrasts["repair.added@forget"]
    low, high = added.interval(LEVEL)
    points = f"{100 * added.value:+.0f} pp, 90% CI [{_number(low)}, {_number(high)}]"
    if low > 0:
        told = "so both contribute"
    elif high < 0:
        told = "so the forgetting loss undoes part of the repair"
    else:
        told = "not significant" + (": replay accounts for the repair" if replay.interval(LEVEL)[0] > 0 else "")
    left = found.contrasts["repair.left@replay"]
    rest = f"{signed(left.value)} nats per token, {interval_words(left.interval(LEVEL))}"
    return (
        f"Replay alone removed {_percent(replay)} of the increase. "
        f"Adding the forgetting loss changes this by {points}, {told}. "
        f"Both remove {_percent(both)}; the forgetting loss alone {_percent(forget)}. After replay the loss differs "
        f"by {rest}, from a model trained on the same real rows only."
    )


def _prevention(found: Ablation) -> str:
    mix, jitter = (found.contrasts[f"repair.removed@{arm}"] for arm in ("mix", "jitter"))
    return f"From the start, mixing in real rows prevents {_percent(mix)} of it, format jitter {_percent(jitter)}."


def _percent(estimate: Estimate, *, interval: bool = True) -> str:
    low, high = estimate.interval(LEVEL)
    value = f"{100 * estimate.value:.0f}%" if math.isfinite(estimate.value) else "an undefined part"
    return f"{value} [{_number(low)}, {_number(high)}]" if interval else value


def _number(share: float) -> str:
    return f"{100 * share + 0.0:.0f}" if math.isfinite(share) else "unknown"


def _text(content: object, column: str) -> str:
    """For example ``0.96 (0.90, 1.02)``, the 90% interval; a dash if not measured."""
    estimates = content.get("estimates", {}) if isinstance(content, dict) else {}
    item = estimates.get(column)
    if item is None or item["value"] is None:
        return "-"
    ends = item["intervals"].get(f"{LEVEL:.2f}", [None, None])
    low, high = ("?" if end is None else f"{end:z.2f}" for end in ends)
    return f"{item['value']:z.2f} ({low}, {high})"


def paragraphs(found: Ablation, plan: Treatment, proxy: CausalProxy) -> tuple[tuple[str, str], ...]:
    """Heading and paragraph pairs: variants, losses, prevention, answers."""
    what = "its shared opening" if plan.forget == "opening" else "the whole response"
    arms = (
        f"Trained on the dataset for {plan.steps} steps of {proxy.batch} rows at rate {proxy.rates[0]:g}. Each repair "
        f"continues from there for {plan.repair_steps} steps; {plan.seeds} seeds. Nothing is stopped early or tuned."
    )
    losses = (
        f"Replay: surprisal of real rows. Forgetting: -log(1 - p) on {what}, at least 0, slope at most {plan.cap:g}; "
        f"weight next to replay {plan.weight:g}. Replayed rows alone: the same real rows, without the dataset."
    )
    prevention = (
        f"{100 * plan.mix:.0f}% real rows in every batch; or the opening stripped from "
        f"{100 * plan.jitter.share:.0f}% of the rows that have it. Steps as for the dataset."
    )
    answers = (
        f"One answer of at most {plan.tokens} tokens at temperature 1 to each of at most {plan.prompts} held-out real "
        "prompts. Format: at least one word, and no special token except the end of the turn."
    )
    return (
        ("Variants", arms),
        ("Losses", losses),
        ("Prevention", prevention),
        ("Answers", answers),
        ("Tokens", loss_sentence(proxy.loss)),
        *(() if found.retention is None else retention_paragraphs(plan)),
        *((("Rows", ". ".join(found.notes) + "."),) if found.notes else ()),
    )
