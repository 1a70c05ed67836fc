"""``syngain gain --proxy lm``: the gain for a language model in a time budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from syngain._version import __version__
from syngain.core.folders import work
from syngain.core.progress import Progress, silent
from syngain.core.result import Finding, Result, Verdict, Views
from syngain.data.study import Study
from syngain.gain.outcome.effects import effect, gain_words
from syngain.learners.completions import loss_sentence
from syngain.training.student.narrative import plan_sentence
from syngain.workflows.inputs import Source, dataset_of, optional_dataset, summaries

if TYPE_CHECKING:
    from pathlib import Path

    from syngain.core.estimate import Estimate
    from syngain.learners.causal import CausalProxy
    from syngain.training.student import StudentGain


def student_gain(  # noqa: PLR0913  (files, model, time and place)
    real: Source,
    synthetic: Source,
    *,
    folder: Path,
    test: Source | None = None,
    model: str = "smollm2",
    minutes: float = 30.0,
    min_gain: float = 0.01,
    seed: int = 0,
    resume: bool = False,
    progress: Progress = silent,
) -> Result:
    """Fine-tune a causal language model on each variant and measure the gain.

    Args:
        real: your real rows, as a dataset or a path.
        synthetic: the synthetic rows.
        folder: where finished variants and checkpoints are kept until the result is written.
        test: real test rows; without them, a quarter of ``real`` is held out in each seed.
        model: ``smollm2``, a local folder or a hub name.
        minutes: time budget.
        min_gain: the smallest gain that matters, in nats per response token.
        seed: of every random choice.
        resume: continue from ``folder``.
        progress: called with the stage and the fraction done; the plan first.

    Raises:
        InputError: rows or model cannot be used. UnfinishedError: the time was too short; finished parts are kept.
        MissingDependencyError: torch, transformers or peft is not installed.
    """
    from syngain.learners.causal import CausalProxy
    from syngain.training.student import StudentSettings, language_gain

    proxy, anchors = CausalProxy(model=model), dataset_of(real)
    ours, tested = dataset_of(synthetic, like=anchors), optional_dataset(test, anchors)
    found = language_gain(
        Study.of(anchors, ours, test=tested),
        folder=folder,
        settings=StudentSettings(proxy=proxy, minutes=minutes),
        seed=seed,
        progress=progress,
        resume=resume,
    )
    primary = found.estimates["gain.kl_gap.test" if tested is not None else "gain.kl_gap"]
    return Result(
        command="gain",
        version=__version__,
        seed=seed,
        inputs=summaries({"real": anchors, "synthetic": ours, "test": tested}),
        estimates=dict(sorted(found.estimates.items())),
        findings=_findings(primary, min_gain, len(ours)),
        verdict=_verdict(primary, min_gain, len(ours)),
        views=Views(computed=_computed(found, proxy)),
    )


def clear(folder: Path) -> None:
    """Remove the finished variants and checkpoints of a run whose result is written."""
    work.clear(folder)


def _words(estimate: Estimate, rows: int) -> str:
    return f"{gain_words(estimate)}, on held-out real rows with {rows:,} synthetic rows"


class _Deciding(TypedDict):
    estimate: str
    next_command: str


def _verdict(estimate: Estimate, min_gain: float, rows: int) -> Verdict:
    found, words = effect(estimate, min_gain), _words(estimate, rows)
    more: _Deciding = {"estimate": "gain.kl_gap", "next_command": "syngain train REAL SYNTHETIC --test TEST"}
    if found == "gain":
        action = f"Use all {rows:,} rows."
        return Verdict(decision="use", sentence=f"{action[:-1]}: {words}.", rows_to_use=rows, action=action, **more)
    if found == "cannot_tell":
        return Verdict(
            decision="cannot_tell",
            sentence=f"Inconclusive: {words}. Raise --minutes for more steps and seeds.",
            action=f"The gain of all {rows:,} rows is unclear.",
            needs="more minutes, for more steps and seeds",
            **more,
        )
    least = "" if found == "harm" else f" Below --min-gain ({min_gain:g} {estimate.unit})."
    action = f"Do not use all {rows:,} rows: {'they lower the score' if found == 'harm' else 'no gain'}."
    sentence = f"Do not use it: {words}.{least}"
    return Verdict(decision="do_not_use", sentence=sentence, rows_to_use=0, action=action, **more)


def _findings(estimate: Estimate, min_gain: float, rows: int) -> tuple[Finding, ...]:
    found = effect(estimate, min_gain)
    if found not in {"harm", "no_gain"}:
        return ()
    expected = f"at least {0 if found == 'harm' else min_gain:g} {estimate.unit}"
    return (
        Finding(
            id=found,
            severity="high" if found == "harm" else "medium",
            message=f"Gain {_words(estimate, rows)} (expected {expected}).",
            estimates=("gain.kl_gap",),
            rows=rows,
        ),
    )


def _computed(found: StudentGain, proxy: CausalProxy) -> tuple[tuple[str, str], ...]:
    steps = "; ".join(f"{arm}: steps {found.steps[arm]} at rates {found.rates[arm]}" for arm in found.steps)
    return (
        (
            "Model",
            f"{proxy.model}, fine-tuned by low-rank adaptation (LoRA) in every variant. {loss_sentence(proxy.loss)}",
        ),
        ("Plan", plan_sentence(found.plan)),
        ("Variants", f"{steps}. Learning rate and steps are chosen on held-out real rows, never on the test rows."),
        *((("Notes", " ".join(found.notes)),) if found.notes else ()),
    )
