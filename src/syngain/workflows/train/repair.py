"""Repair of pattern overfitting: what a set's template does to a student, what removes it, and what did the work."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from syngain._version import __version__
from syngain.core.progress import Progress, silent
from syngain.core.result import Finding, Result, Severity, Verdict, Views
from syngain.workflows.inputs import Source, dataset_of, optional_dataset, summaries

if TYPE_CHECKING:
    from pathlib import Path

    from syngain.core.estimate import Estimate
    from syngain.learners.causal import CausalProxy
    from syngain.training.repair.ablation import Ablation, Treatment

    Estimates = dict[str, Estimate]

LEVEL = 0.9
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


def repair(  # noqa: PLR0913  (files, model, plan and place)
    real: Source,
    synthetic: Source,
    *,
    folder: Path,
    test: Source | None = None,
    model: str | CausalProxy = "smollm2",
    steps: int = 40,
    repair_steps: int = 20,
    seeds: int = 3,
    treatment: Treatment | None = None,
    seed: int = 0,
    resume: bool = False,
    progress: Progress = silent,
) -> Result:
    """Overfit a student on the synthetic rows alone, repair it in three ways, prevent it in two, and measure them all.

    The arms: the untrained model; trained on the synthetic rows; from there replay of real rows, the bounded forgetting
    loss on the set's opening, and both; the replayed rows on the untrained model, which never saw the set; trained on
    the set with real rows mixed in, and on the set with its opening stripped from most rows. Each is judged on real
    rows that none was trained on.

    Args:
        real: the anchors, as a dataset or a path: pairs of prompt and response.
        synthetic: the set in question.
        folder: where finished arms are kept, one file per arm and seed, and about once a minute the one in training.
        test: real rows to judge on; else a quarter of the anchors in each seed.
        model: ``smollm2``, a local folder or a hub name, or a proxy with its settings; its first rate is used.
        steps: optimizer steps on the set.
        repair_steps: of each repair.
        seeds: how many adapters, orders of rows and draws.
        treatment: everything else; its steps and seeds are those above.
        seed: of every random choice.
        resume: go on with what is in ``folder``.
        progress: called with the arm and the share done.

    Raises:
        InputError: rows or model cannot be used, found out before the first step. UsageError: a setting is wrong, or
            what is resumed was another job. UnfinishedError: not enough memory; what is done is kept.
        MissingDependencyError: trl, datasets, torch, transformers or peft is not installed.
    """
    from syngain.learners.causal import CausalProxy
    from syngain.training.repair.ablation import Treatment, ablate

    plan = replace(treatment or Treatment(), steps=steps, repair_steps=repair_steps, seeds=seeds)
    proxy = model if isinstance(model, CausalProxy) else CausalProxy(model=model)
    anchors = dataset_of(real)
    ours, tested = dataset_of(synthetic, like=anchors), optional_dataset(test, anchors)
    found = ablate(
        anchors,
        ours,
        test=tested,
        proxy=proxy,
        treatment=plan,
        folder=folder,
        seed=seed,
        resume=resume,
        progress=progress,
    )
    estimates: Estimates = _contrasts(found)
    estimates |= {f"{name}@arm={arm}": item for arm, own in found.arms.items() for name, item in own.items()}
    return Result(
        command="train",
        version=__version__,
        seed=seed,
        inputs=summaries({"real": anchors, "synthetic": ours, "test": tested}),
        estimates=dict(sorted(estimates.items())),
        findings=_findings(found),
        verdict=_verdict(found),
        sets={
            NAMES[arm]: {"estimates": {name: item.as_json() for name, item in _row(found, arm).items()}}
            for arm in found.arms
        },
        views=Views(computed=_computed(found, plan, proxy)),
    )


def repair_table(result: Result) -> list[list[str]]:
    """The ablation as lines of text: a header, then one line per arm in the order they were run."""
    header = ["arm", "real-row loss", "increase removed", "template share", "opening entropy", "format"]
    return [header, *([name, *(_text(content, column) for column in COLUMNS)] for name, content in result.sets.items())]


def clear(folder: Path) -> None:
    """Remove the finished arms of a run whose result is written."""
    shutil.rmtree(folder / "work", ignore_errors=True)


def _row(found: Ablation, arm: str) -> Estimates:
    """What stands in the line of an arm."""
    removed = _contrasts(found).get(f"repair.removed@{arm}")
    return dict(found.arms[arm]) | ({} if removed is None else {"repair.removed": removed})


def _text(content: object, column: str) -> str:
    """For example ``0.96 (0.90, 1.02)``, the 90 % interval; a dash where it was not measured."""
    estimates = content.get("estimates", {}) if isinstance(content, dict) else {}
    item = estimates.get(column)
    if item is None or item["value"] is None:
        return "-"
    ends = item["intervals"].get(f"{LEVEL:.2f}", [None, None])
    low, high = ("?" if end is None else f"{end:z.2f}" for end in ends)
    return f"{item['value']:z.2f} ({low}, {high})"


def _findings(found: Ablation) -> tuple[Finding, ...]:
    """``pattern_overfitting``: high when template and loss both rose for sure, medium when one of them did."""
    before, after = (found.arms[arm]["pattern.template_share"] for arm in ("untrained", "overfitted"))
    learned = after.interval(LEVEL)[0] > before.interval(LEVEL)[1]
    hurt = _hurt(found)
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


def _verdict(found: Ablation) -> Verdict:
    alone = "trained on this set alone, the model"
    if _harmless(found):
        sentence = f"There is no harm to repair: {alone} {_opens(found)}, and {_rises(found)}."
        return Verdict(decision="cannot_tell", sentence=sentence)
    if not _hurt(found):
        sentence = f"Cannot tell what a repair is worth: {alone} {_opens(found)}, and {_rises(found)}."
        return Verdict(decision="cannot_tell", sentence=sentence)
    sentence = f"Do not train on it alone: {_rises(found)}. {_work(found)} {_prevention(found)}"
    return Verdict(decision="do_not_use", sentence=sentence)


def _hurt(found: Ablation) -> bool:
    return found.contrasts["repair.increase"].interval(LEVEL)[0] > 0


def _harmless(found: Ablation) -> bool:
    return found.contrasts["repair.increase"].interval(LEVEL)[1] < 0


def _contrasts(found: Ablation) -> Estimates:
    """Differences of arms; shares of an increase only where the loss may have risen."""
    shares = ("repair.removed@", "repair.added@") if _harmless(found) else ()
    return {name: item for name, item in found.contrasts.items() if not name.startswith(shares)}


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


def _computed(found: Ablation, plan: Treatment, proxy: CausalProxy) -> tuple[tuple[str, str], ...]:
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
