"""Sentences on the information in a dataset: findings, notes, verdict, flows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from syngain.core.result import Chain, Finding, Flow, Verdict
from syngain.information.estimators.semantic import FEWEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syngain.core.estimate import Estimate
    from syngain.information.meanings import MeaningRegions
    from syngain.information.measures import GroupMeasures, RealComparison, ScorerAgreement
    from syngain.information.outputs import Outputs

SURE = 4.0  # errors from zero: once in 16,000 by chance
ASK = "Run `syngain gain` to measure whether these rows help"
MANY_CUT = 0.05  # fraction of cut outputs from which the severity is medium
GAIN, LOWER, ENTROPY = "information.gain", "information.prompt_lower", "information.entropy"


class _Limits(TypedDict):
    low: float | None
    high: float | None
    at_most: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InformationAccount:
    """The measures of a dataset of outputs, for its report.

    Attributes:
        said: outputs with log-probabilities. whole: measures of all, strategies: of each. moved: divergence of
            curation.
        without: rows without log-probabilities by strategy. scorer: name of the scorer. complete: dropped rows are
            among the outputs, or there are none. ``beside``: each strategy versus real rows.
        regions: clusters of real rows that serve as meanings, where no column names these.
    """

    said: Outputs
    whole: GroupMeasures
    strategies: Mapping[str, GroupMeasures]
    moved: Mapping[str, Estimate]
    without: Mapping[str, int]
    scorer: str | None
    complete: bool
    beside: Mapping[str, RealComparison]
    regions: MeaningRegions | None = None


def findings(account: InformationAccount) -> list[Finding]:
    """Findings on the limits of the numbers, not on the quality of the dataset."""
    return [
        *_cut(account),
        *_kept_only(account),
        *_raw(account),
        *_selected(account),
        *_saturated(account),
        *_no_end(account),
    ]


def verdict(account: InformationAccount) -> Verdict:
    """The numbers in one sentence, without a judgment of benefit."""
    own = account.whole.estimates[GAIN]
    low, high = own.interval()
    most = "at most " if own.direction == "upper" else ""
    doubt = f" ({low:.3g} to {high:.3g})" if math.isfinite(low) else ""
    parts = [f"The generator adds {most}{own.value:.3g} nats per row beyond its prompt{doubt}"]
    if account.whole.bracket is not None:
        bracket = account.whole.bracket
        top = f"{max(bracket.low, 0.0):.3g} to {bracket.high:.3g} nats"
        few = f"at least {max(bracket.low, 0.0):.3g} nats (an upper bound needs more prompts)"
        parts.append(f"Mutual information of prompt and output: {few if bracket.saturated else top}")
    if "generation.divergence" in account.moved:
        moved = account.moved["generation.divergence"]
        ends = "{:.1%} to {:.1%}".format(*moved.interval()) if math.isfinite(moved.interval()[0]) else "no interval"
        parts.append(f"Filters of single rows dropped {moved.value:.1%} ({ends})")
    sentence = ". ".join(parts) + ". Random text has the highest information. "
    return Verdict(
        decision="cannot_tell",
        sentence=sentence + (_gains(account) or f"{ASK}."),
        action=f"{parts[0]}.",
        estimate=GAIN,
        next_command="syngain gain REAL SYNTHETIC --test TEST",
    )


def _gains(account: InformationAccount) -> str:
    """The measured gain of every strategy, in a few words; empty without gains."""
    said = []
    for name, compared in account.beside.items():
        found = next((item for key, item in compared.estimates.items() if key.startswith("gain.")), None)
        if found is None:
            continue
        low, high = found.interval(0.9)
        what = "helps" if low > 0 else "harms" if high < 0 else "is inconclusive"
        said.append(f"{name or 'the dataset'} {what} ({found.value:+.3f} {found.unit}, {low:+.3f} to {high:+.3f})")
    return f"Measured gain of a proxy model: {', '.join(said)}." if said else ""


def chains(
    account: InformationAccount, lost: Mapping[str, Mapping[str, float]], all_lost: Mapping[str, float]
) -> tuple[Chain, ...]:
    """Flows of the run and of every strategy.

    ``lost``: fractions dropped by each step, by strategy and in total.
    """
    several = len(account.strategies) > 1
    whole = (_chain("The whole run", account.whole, all_lost),) if several else ()
    return whole + tuple(_chain(name if several else "", part, lost[name]) for name, part in account.strategies.items())


def computed(account: InformationAccount) -> tuple[tuple[str, str], ...]:
    """How the numbers were computed, as headed paragraphs."""
    prompts = len(set(account.said.prompts))
    rows = (
        f"{len(account.said):,} outputs of {prompts:,} prompts. Outputs are averaged within their prompt. "
        "Intervals resample clusters of prompts with a common real row, never rows or tokens."
    )
    law = (
        "Some log-probabilities come from other sampling settings than the rows. Minus their mean is a cross-entropy, "
        "an upper bound of the gain."
        if account.said.raw.any()
        else "The log-probabilities come from the sampling distribution. Minus their mean estimates "
        "the gain without bias."
    )
    prompt = (
        f"Outputs were scored under other prompts of their strategy by {account.scorer}"
        + (", and under prompts of all strategies for the whole run." if len(account.strategies) > 1 else ".")
        if account.scorer
        else "Outputs were not scored under other prompts, so prompt information was not measured. Add --generator."
    )
    without = "; ".join(f"{count:,} rows of {name}" for name, count in account.without.items())
    absent = (("Left out", f"Rows without log-probabilities, as from templates: {without}."),) if without else ()
    notes = dict.fromkeys(
        f"{name}: {note}" if name and len(account.strategies) > 1 else note
        for name, part in account.strategies.items()
        for note in (*_notes(part), *_unmeasured(account.beside[name]))
    )
    return (
        ("Rows", rows),
        ("Distribution", f"{law} The entropy of tokens is at least that of texts. Stripped reasoning is not counted."),
        *_per_byte(account),
        ("Prompt information", prompt),
        *((("Meaning", _meaning(account.regions)),) if account.regions else ()),
        *absent,
        *((("Notes", " ".join(notes)),) if notes else ()),
        ("Limits", "High information is not a benefit. Read it together with divergence and measured gain."),
    )


def _meaning(regions: MeaningRegions) -> str:
    return (
        f"No column names the meaning of an output. Its meaning is the nearest of {regions.count} clusters "
        f"of embeddings, computed from {regions.real} (real rows) alone."
    )


def _notes(part: GroupMeasures) -> Iterator[str]:
    """Notes on these measures."""
    if part.chained:
        yield "Common real rows connect many prompts. Intervals treat prompts as independent, given the real rows."
    if part.unsplit is not None and part.unsplit.samples is None:
        yield "No semantic split: prompts determine the labels. Name a column with the meaning of an output."
    elif part.unsplit is not None:
        yield f"No semantic split: a prompt has {part.unsplit.samples} samples; {FEWEST} are needed."
    if part.agreement is not None and not part.agreement.exact:
        yield _disagreement(part.agreement)


def _disagreement(found: ScorerAgreement) -> str:
    """Why the scorer gives no upper bound."""
    only = "so the prompt information has a lower bound only"
    limit = found.limit
    if limit is not None and limit.reason == "temperature":
        told = f"{limit.scorer} scores at temperature 1 and the outputs were sampled at {limit.temperature:g}"
        return f"{told}, {only}."
    if limit is not None:
        told = f"{limit.scorer} does not score the end of a text, which the log-probabilities of the rows include"
        return f"{told}, {only}."
    if found.raw:
        return f"The log-probabilities come from other sampling settings, {only}."
    differs = f"The scorer differs from the log-probabilities of the rows by {found.difference:.2f} nats per token"
    return f"{differs}, {only}: another model, temperature, top-p or prompt layout."


def _unmeasured(compared: RealComparison) -> Iterator[str]:
    """Why a part of the comparison with real rows is missing."""
    if compared.nothing_kept:
        yield "no row of it was kept"
    if compared.refused:
        yield compared.refused


def _per_byte(account: InformationAccount) -> Iterator[tuple[str, str]]:
    """The three numbers in bits per byte, of every strategy."""
    lines = []
    for name, part in account.strategies.items():
        gain, bits = part.estimates[GAIN], part.estimates.get("information.bits_per_byte")
        if bits is None or gain.value <= 0:
            continue
        each = bits.value / gain.value  # bits per byte of one nat per row
        words = [f"gain {'at most ' if gain.direction == 'upper' else ''}{bits.value:.3f}"]
        if LOWER in part.estimates:
            words.append(f"prompt information {_span(part.estimates, each)}")
        words.append(f"entropy {part.estimates[ENTROPY].value * each:.3f}")
        lines.append(f"{name + ': ' if name else ''}{', '.join(words)} bits per byte")
    if lines:
        yield ("Per byte", "; ".join(lines) + ".")


def _span(estimates: Mapping[str, Estimate], each: float) -> str:
    low, high = estimates[LOWER].value * each, estimates.get("information.prompt_upper")
    return f"at least {low:.3f}" if high is None else f"{low:.3f} to {high.value * each:.3f}"


def _chain(title: str, part: GroupMeasures, lost: Mapping[str, float]) -> Chain:
    """Flows of information: in by prompt and generator, out by curation.

    The rest is in the dataset.
    """
    own, prompt = part.estimates[GAIN], part.estimates.get(LOWER)
    inside = 0.0 if prompt is None else max(prompt.value, 0.0)
    total = own.value + inside
    flows = [
        Flow(
            station="prompt",
            name="prompt information" if prompt is not None else "prompt information: not measured",
            nats=inside,
            low=part.bracket.low if part.bracket else None,
            high=part.bracket.high if part.bracket else None,
        ),
        Flow(station="generator", name="information gain", nats=own.value, **_limits(own)),
        *(Flow(station="curation", name=step, nats=share * total, leaves=True) for step, share in lost.items()),
        Flow(station="set", name="in the dataset", nats=total * (1 - sum(lost.values()))),
    ]
    note = (
        "Prompt information: the value is for these prompts, the range for their population."
        if prompt is not None
        else "Without cross-scores the prompt information is between 0 and the logarithm of the number of prompts."
    )
    return Chain(title=title, flows=tuple(flows), note=note)


def _limits(estimate: Estimate) -> _Limits:
    low, high = estimate.interval()
    known = math.isfinite(low) and math.isfinite(high)
    return {"low": low if known else None, "high": high if known else None, "at_most": estimate.direction == "upper"}


def _cut(account: InformationAccount) -> Iterator[Finding]:
    rows = [name for name, cut in zip(account.said.ids, account.said.cut, strict=True) if cut]
    if rows:
        share = len(rows) / len(account.said)
        yield Finding(
            id="cut_outputs",
            severity="medium" if share > MANY_CUT else "low",
            message=f"{share:.1%} of the outputs were cut at the token limit. Their log-probabilities end there; "
            "the gain is that of cut outputs.",
            evidence=tuple(rows[:20]),
            estimates=(GAIN,),
            rows=len(rows),
        )


def _kept_only(account: InformationAccount) -> Iterator[Finding]:
    if not account.complete:
        yield Finding(
            id="kept_only",
            severity="medium",
            message="Rows that curation dropped have no log-probabilities. The numbers describe the kept rows, "
            "not all generated rows.",
            estimates=(GAIN,),
        )


def _raw(account: InformationAccount) -> Iterator[Finding]:
    count = int(account.said.raw.sum())
    if count:
        yield Finding(
            id="raw_log_probabilities",
            severity="low",
            message=f"{count:,} rows have log-probabilities from other sampling settings (raw, with a temperature or "
            "top-p, or by a scorer). The gain is an upper bound.",
            estimates=(GAIN,),
            rows=count,
        )


def _selected(account: InformationAccount) -> Iterator[Finding]:
    for name, part in account.strategies.items():
        value, error = part.surplus or (0.0, 1.0)
        if abs(value) > SURE * error:
            of = f"{name}: " if name else ""
            how = "less" if value < 0 else "more"
            yield Finding(
                id="selected_outputs",
                severity="medium",
                message=f"{of}the outputs are {abs(value):.2g} nats per row {how} surprising than their sampling "
                "distributions (expected 0). Rows were selected after generation, or the log-probabilities come from "
                "other sampling settings. The gain describes these rows, not the generator.",
                estimates=(GAIN,),
            )


def _saturated(account: InformationAccount) -> Iterator[Finding]:
    run = {"the whole run": account.whole} if len(account.strategies) > 1 else {}
    for name, part in {**run, **account.strategies}.items():
        if part.bracket is not None and part.bracket.saturated:
            of = f"{name}: " if name else ""
            count = round(math.exp(part.bracket.ceiling))
            yield Finding(
                id="saturated",
                severity="low",
                message=f"{of}the upper bound of the prompt information exceeds ln {count} = "
                f"{part.bracket.ceiling:.2f} nats. {count} prompts are too few for an upper bound.",
                estimates=("information.prompt_upper",),
            )


def _no_end(account: InformationAccount) -> Iterator[Finding]:
    if account.said.ended is False:
        yield Finding(
            id="no_end_token",
            severity="low",
            message="Some complete rows have no log-probability of the end token. The gain lacks the entropy of the "
            "choice to stop and is too low.",
            estimates=(GAIN,),
        )
