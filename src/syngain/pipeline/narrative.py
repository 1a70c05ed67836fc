"""Sentences of ``syngain generate``: verdict, computation, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.result import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syngain.pipeline.run import Run


def verdict(held: int, kept: int) -> Verdict:
    """Numbers of generated and kept rows, without a judgment of benefit."""
    return Verdict(
        decision="cannot_tell",
        sentence=f"{held:,} rows generated, {kept:,} kept. Run `syngain audit` to estimate their gain.",
        action=f"{held:,} rows generated, {kept:,} kept.",
        next_command="syngain audit REAL kept.jsonl --test TEST",
    )


def computed(run: Run, reasons: Sequence[tuple[str, int]]) -> Iterator[tuple[str, str]]:
    """How the rows were generated, as headed paragraphs.

    ``reasons``: why rows were dropped, with counts.
    """
    strategies = ", ".join(f"{strategy.title} ({strategy.rows:,} rows)" for strategy in run.recipe.strategies)
    yield "Generator", f"{run.generator.name}; strategies: {strategies}."
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
