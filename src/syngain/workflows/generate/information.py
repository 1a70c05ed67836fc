"""``syngain information``: where on the chain information entered a set and where it was lost, by log-probabilities."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain._version import __version__
from syngain.core.errors import InputError
from syngain.core.progress import Progress, silent
from syngain.core.result import InputSummary, Result, Views
from syngain.core.rng import Streams
from syngain.information import cross_scoring, narrative
from syngain.information.dropped_rows import UncuratedRows, divergences, read_uncurated
from syngain.information.meanings import with_meanings
from syngain.information.measures import GroupMeasures, measure
from syngain.information.outputs import Outputs, outputs
from syngain.workflows.generate.information_against import against_real, novelty
from syngain.workflows.inputs import Source, dataset_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from syngain.core.estimate import Estimate
    from syngain.data import RoleOptions
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.information.cross_scoring import Cross, Scorer, ScorerOf


@dataclass(frozen=True, slots=True, kw_only=True)
class InformationSettings:
    """How information is accounted for.

    Attributes:
        meaning: the column that says what an output means; None takes the labels. encoder: instead of both, the region
            of the real rows in which this encoder places it. vocabulary: tokens the generator can choose from.
        prompts, samples: at most so many prompts of a strategy, and outputs of each, are cross-scored; and as many of
            the whole run.
        gain: with real rows, whether the gain and the divergence of every strategy are measured beside.
    """

    meaning: str | None = None
    encoder: TextEncoder | None = None
    vocabulary: int | None = None
    prompts: int = cross_scoring.PROMPTS
    samples: int = cross_scoring.SAMPLES
    gain: bool = True


def information(
    rows: Source,
    *,
    dropped: str | Path | None = None,
    real: Source | None = None,
    scorer: Scorer | ScorerOf | None = None,
    roles: RoleOptions | None = None,
    settings: InformationSettings | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Result:
    """Information gain, prompt information, entropy, meaning, and what curation changed, in all and by strategy.

    Args:
        rows: a run folder of ``syngain generate``, a file, or a dataset; with ``token_logprobs`` and prompts.
        dropped: rows that curation dropped, where ``rows`` is not a folder that holds them.
        real: the anchors, for novelty, task divergence and measured gain beside the information.
        scorer: who scores outputs under other prompts; without one there is no prompt information. Or a function that
            makes it from some outputs, whose temperature it may need. Rows without log-probabilities take its scores.
        roles: fields that a person named.
        settings: meanings and sizes.
        seed: of the prompts that are cross-scored.
        progress: called with the stage and the share done.

    Raises:
        InputError: rows without log-probabilities or prompts and nobody who scores them; wrong log-probabilities.
    """
    settings, streams = settings or InformationSettings(), Streams(seed)
    progress("reading", 0.0)
    anchors = None if real is None else dataset_of(real)
    everything = read_uncurated(rows, dropped, roles=roles)
    said = outputs(everything.data, meaning=settings.meaning, vocabulary=settings.vocabulary)
    by_regions = ""
    if settings.encoder is not None:
        said, by_regions = with_meanings(said, anchors, settings.encoder, rng=streams.stream("meanings"))
    said, without = _with_logs(
        said, everything.data, None if scorer is None else cross_scoring.scorer_for(scorer, said), progress
    )
    groups = {
        name: [row for row, own in enumerate(said.strategies) if own == name] for name in dict.fromkeys(said.strategies)
    }
    crossed = {
        name: _crossed(said, chosen, scorer, settings, streams.child(name), progress) for name, chosen in groups.items()
    }
    measured = {name: measure(said.take(chosen), crossed[name]) for name, chosen in groups.items()}
    whole = next(iter(measured.values()))
    if len(groups) > 1:
        whole = measure(said, _crossed(said, range(len(said)), scorer, settings, streams.child("the run"), progress))
    moved = divergences(everything)
    beside = {name: _beside(said, chosen, everything, anchors, settings, seed) for name, chosen in groups.items()}
    estimates = _estimates(whole, measured, moved, beside)
    words = narrative.InformationAccount(
        said=said,
        whole=whole,
        strategies=measured,
        moved=moved,
        without=without,
        scorer=None if scorer is None else cross_scoring.scorer_for(scorer, said).name,
        complete=everything.complete,
        beside=beside,
        meanings=by_regions,
    )
    progress("done", 1.0)
    return Result(
        command="information",
        version=__version__,
        seed=seed,
        inputs=_inputs(everything.data, anchors),
        estimates=estimates,
        findings=narrative.findings(words),
        verdict=narrative.verdict(words),
        sets=_sets(measured, beside) if len(groups) > 1 else {},
        views=Views(
            chains=narrative.chains(
                words,
                {name: _lost(said.take(chosen), everything) for name, chosen in groups.items()},
                _lost(said, everything),
            ),
            computed=narrative.computed(words),
        ),
    )


def _with_logs(
    said: Outputs, data: Dataset, scorer: Scorer | None, progress: Progress
) -> tuple[Outputs, dict[str, int]]:
    """The outputs that have log-probabilities, and how many rows of which strategies have none.

    When no row has any, those of the scorer are taken: of another law, as far as is known, so an upper bound.
    """
    has = np.isfinite(said.own)
    if has.any():
        lacking = [said.strategies[row] or "rows" for row in np.flatnonzero(~has).tolist()]
        without = {name: lacking.count(name) for name in dict.fromkeys(lacking)}
        return said.take(np.flatnonzero(has).tolist()), without
    if scorer is None:
        raise InputError(
            f"{data.name}: none of the {len(said):,} rows has `token_logprobs`",
            expected="log-probabilities of the tokens of every row, in nats",
            todo="generate with log-probabilities, or let a model score the rows: --generator smollm2",
        )
    own = np.empty(len(said))
    names = list(dict.fromkeys(said.prompts))
    for k, name in enumerate(names):
        progress("scoring rows under their prompts", k / len(names))
        chosen = [row for row, prompt in enumerate(said.prompts) if prompt == name]
        asked = cross_scoring.prompt_of(said, chosen[0])
        own[chosen] = scorer.score(asked, [said.texts[row] for row in chosen], [not said.cut[row] for row in chosen])
    bad = np.flatnonzero(~np.isfinite(own))
    if bad.size:
        raise cross_scoring.unsayable(said.ids[int(bad[0])], scorer)
    raw = np.ones(len(said), dtype=bool)
    return replace(said, own=own, raw=raw, tokens=np.maximum(said.bytes / 4, 1.0)), {}


def _crossed(
    said: Outputs,
    chosen: Sequence[int],
    scorer: Scorer | ScorerOf | None,
    settings: InformationSettings,
    streams: Streams,
    progress: Progress,
) -> Cross | None:
    if scorer is None:
        return None
    return cross_scoring.cross_scores(
        said.take(chosen),
        scorer,
        rng=streams.stream("prompts"),
        prompts=settings.prompts,
        samples=settings.samples,
        progress=lambda stage, done: progress(stage, 0.1 + 0.7 * done),
    )


def _beside(
    said: Outputs,
    chosen: Sequence[int],
    everything: UncuratedRows,
    anchors: Dataset | None,
    settings: InformationSettings,
    seed: int,
) -> tuple[dict[str, Estimate], str]:
    """Novelty, divergence and gain of the kept rows of a strategy, and why a part of them was not measured."""
    if anchors is None:
        return {}, ""
    at = {name: row for row, name in enumerate(everything.data.ids)}
    kept = [row for row in chosen if everything.gone is None or not everything.gone[at[said.ids[row]]]]
    if not kept:
        return {}, "no row of it was kept"
    rows = everything.data.take([at[said.ids[row]] for row in kept])
    found = novelty(rows, anchors, said.take(kept))
    if not settings.gain:
        return found, ""
    more, why = against_real(rows, anchors, seed=seed)
    return {**found, **more}, why


def _estimates(
    whole: GroupMeasures,
    measured: Mapping[str, GroupMeasures],
    moved: Mapping[str, Estimate],
    beside: Mapping[str, tuple[Mapping[str, Estimate], str]],
) -> dict[str, Estimate]:
    """All estimates under their ids, those of strategies with the strategy as their part."""
    found = {**whole.estimates, **moved}
    for name, part in measured.items():
        own = {**part.estimates, **beside[name][0]}
        if len(measured) == 1:
            found |= own
            continue
        found |= {f"{key}@{name}": item for key, item in own.items() if "@" not in key}
    return dict(sorted(found.items()))


def _sets(
    measured: Mapping[str, GroupMeasures], beside: Mapping[str, tuple[Mapping[str, Estimate], str]]
) -> dict[str, object]:
    """Strategies side by side, as ``report.json`` holds sets."""
    return {
        name or "rows": {
            "estimates": {key: item.as_json() for key, item in {**part.estimates, **beside[name][0]}.items()},
            "findings": [],
        }
        for name, part in measured.items()
    }


def _lost(said: Outputs, everything: UncuratedRows) -> dict[str, float]:
    """Share of the surprisal of all rows that each step dropped, of the rows whose surprisal is known."""
    if everything.gone is None or not len(said):
        return {}
    at = {name: row for row, name in enumerate(everything.data.ids)}
    steps = [everything.steps[at[name]] for name in said.ids]
    total = float(said.own.sum())
    lost: dict[str, float] = {}
    for step, own in zip(steps, said.own, strict=True):
        if step is not None and not math.isclose(total, 0.0):
            lost[step] = lost.get(step, 0.0) + float(own) / total
    return lost


def _inputs(rows: Dataset, real: Dataset | None) -> dict[str, InputSummary]:
    return {
        role: InputSummary(name=data.name, rows=len(data), fingerprint=data.fingerprint, roles=data.roles.sentence())
        for role, data in (("rows", rows), ("real", real))
        if data is not None
    }
