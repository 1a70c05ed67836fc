"""Sentences of ``syngain generate``: verdict, computation, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.result import Verdict
from syngain.generators.protocol import CUT
from syngain.generators.servers.dialect import Dialect
from syngain.pipeline.export import KEEP_REASONING
from syngain.pipeline.store.store import DONE, REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syngain.pipeline.run import Run


KEPT = {"field": "`reasoning_content`", "think": "`<think>` in the text", "no": "nothing (`keep_reasoning: no`)"}
FIXES = {CUT: "; raise `max_tokens` in `sampling`, which covers reasoning and text together"}


def verdict(held: int, kept: int) -> Verdict:
    """Numbers of generated and kept rows, without a judgment of benefit."""
    return Verdict(
        decision="cannot_tell",
        sentence=f"{held:,} rows generated, {kept:,} kept. Run `syngain audit` to estimate their gain.",
        action=f"{held:,} rows generated, {kept:,} kept.",
        next_command="syngain audit REAL kept.jsonl --test TEST",
    )


def computed(run: Run, reasons: Sequence[tuple[str, int]], said: Sequence[str]) -> Iterator[tuple[str, str]]:
    """How the rows were generated, as headed paragraphs.

    ``reasons``: why rows were dropped, with counts. ``said``: warnings.
    """
    strategies = ", ".join(f"{strategy.title} ({strategy.rows:,} rows)" for strategy in run.recipe.strategies)
    yield "Generator", f"{run.generator.name}; strategies: {strategies}."
    if said:
        yield "Server", f"{'. '.join(said)}."
    if run.stop is not None and run.store.meta("cut") is not None:
        most = sum(claim.alpha for claim in run.stop.claims)
        yield (
            "Stopped",
            (
                f"Generation stopped at planned row {run.store.meta('cut')}: `{run.stop.expression}` was met, "
                f"at an error of {most:.3g} over all interim checks."
            ),
        )
    if reasons:
        yield "Dropped", "; ".join(f"{reason}: {count:,}" for reason, count in reasons) + "."
    yield (
        "Curation",
        (
            "On pairs of prompt and output, the divergence of a filter is exactly one minus its acceptance rate. "
            "Deduplication acts on the whole dataset and has no divergence."
        ),
    )


def warnings(run: Run, reasoning: int) -> Iterator[str]:
    """What a reader of the rows must know: how requests are worded, reasoning, and answers without a text."""
    yield from getattr(getattr(run.generator, "learner", None), "dialect", Dialect()).sentences
    if reasoning:
        yield (
            f"the model reasons before it answers ({reasoning} tokens for a word); reasoning counts within `max_tokens`"
            f" and is billed, and rows have it as {KEPT[run.store.meta(KEEP_REASONING) or 'field']}"
        )
    yield from _declined(run)


def _declined(run: Run) -> Iterator[str]:
    """The fraction of answers without a text, and what to do about them."""
    found = run.store.without_text()
    asked = sum(run.store.counts().get(state, 0) for state in (DONE, REFUSED))
    for reason, count in found.items():
        fix = FIXES.get(reason, "")
        yield f"answers without a row: {count:,} of {asked:,} ({100 * count / asked:.2g}%): {reason}{fix}"


def notes(run: Run) -> Iterator[str]:
    """Events of the run: retries, requests in flight at a kill, costs."""
    counts = run.counts
    yield f"answers of this call: {counts.answered:,}; maximum in flight: {counts.most_in_flight}"
    if run.in_flight:
        yield f"in flight when the last call ended, asked again: {run.in_flight}"
    if counts.retries:
        words = ", ".join(f"{reason} ({count})" for reason, count in sorted(counts.reasons.items()))
        yield f"retries: {counts.retries:,}: {words}"
    if counts.refused or counts.exhausted:
        yield f"without an answer: {counts.refused} refused, {counts.exhausted} after all retries"
    yield run.ledger.sentence(run.store.spent())
