"""``syngain information``: attribute entropy to prompt, model and filtering."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain._version import __version__
from syngain.core.documents.warned import carried
from syngain.core.errors import InputError
from syngain.core.progress import Progress, silent
from syngain.core.result import InputSummary, Result, Views
from syngain.core.rng import Streams
from syngain.information import cross_scoring, narrative
from syngain.information.dropped_rows import UncuratedRows, divergences, read_uncurated
from syngain.information.estimators.clustered_prompts import ratio
from syngain.information.meanings import with_meanings
from syngain.information.measures import GroupMeasures, RealComparison, design_of, measure
from syngain.information.outputs import Outputs, outputs
from syngain.learners.ngram import NgramModel
from syngain.tables.cells.halves import HalvesProtocol
from syngain.workflows.evaluate.audit import audit
from syngain.workflows.generate.table_information import is_table_run, table_information
from syngain.workflows.inputs import Source, dataset_of, of_kind, settings_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from syngain.core.estimate import Estimate
    from syngain.data import RoleOptions
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.information.cross_scoring import Cross, Scorer, ScorerOf
    from syngain.information.narrative import InformationAccount

FOLDS = 5
FEWEST = 20  # real rows, below which no proxy is fitted
AUDITED = ("divergence.tv_lower", "gain.log_loss", "gain.nats_per_token", "gain.nats_per_byte")


@dataclass(frozen=True, slots=True, kw_only=True)
class InformationSettings:
    """Settings of information accounting.

    Attributes:
        meaning: the column of the meaning of an output; None takes the labels. encoder: instead of both, the region
            of the real rows in which this encoder places it. vocabulary: tokens the generator can choose from.
        prompts, samples: at most so many prompts of a strategy, and outputs of each, are cross-scored; and as many of
            the whole run.
        gain: with real rows, whether the gain and the divergence of every strategy are measured too.
    """

    meaning: str | None = None
    encoder: TextEncoder | None = None
    vocabulary: int | None = None
    prompts: int = cross_scoring.PROMPTS
    samples: int = cross_scoring.SAMPLES
    gain: bool = True


@carried
def information(  # noqa: PLR0913  (the inputs and switches of the command)
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
    """Information gain, prompt information, entropy, meaning and effect of curation.

    Args:
        rows: a run folder of ``syngain generate``, a file, or a dataset; with ``token_logprobs`` and prompts. A folder
            of a generated table needs ``real``; halves of the real rows are its prompts.
        dropped: rows that curation dropped, where ``rows`` is not a folder that holds them.
        real: the real rows, for novelty, task divergence and measured gain next to the information.
        scorer: scores outputs under other prompts; without one there is no prompt information. Or a function that
            makes it from some outputs, whose temperature it may need. Rows without log-probabilities take its scores.
        roles: fields named by the user.
        settings: meanings and sizes.
        seed: of the prompts that are cross-scored.
        progress: called with the stage and the fraction done.

    Raises:
        InputError: rows without log-probabilities or prompts, and no scorer; wrong log-probabilities.
    """
    settings = of_kind(settings, InformationSettings)
    if is_table_run(rows):
        sizes = HalvesProtocol(halves=settings.prompts, rows=settings.samples)
        return table_information(str(rows), real, dropped=dropped, sizes=sizes, seed=seed, progress=progress)
    progress("reading", 0.0)
    anchors = None if real is None else dataset_of(real)
    everything = read_uncurated(rows, dropped, roles=roles)
    account = _Accounting(scorer, settings, seed, progress).account(everything, anchors)
    lost = {name: _lost(account.said.take(own), everything) for name, own in _groups(account.said).items()}
    progress("done", 1.0)
    return Result(
        command="information",
        version=__version__,
        seed=seed,
        inputs=_inputs(everything.data, anchors),
        estimates=_estimates(account),
        findings=narrative.findings(account),
        verdict=narrative.verdict(account),
        sets=_sets(account) if len(lost) > 1 else {},
        views=Views(
            chains=narrative.chains(account, lost, _lost(account.said, everything)),
            computed=narrative.computed(account),
        ),
        settings=settings_json(settings, scorer=account.scorer),
    )


@dataclass(frozen=True)
class _Accounting:
    """Common parts of the measures of a run: scorer, settings, random streams."""

    scorer: Scorer | ScorerOf | None
    settings: InformationSettings
    seed: int
    progress: Progress

    @property
    def streams(self) -> Streams:
        """The random streams of the run."""
        return Streams(self.seed)

    def account(self, everything: UncuratedRows, anchors: Dataset | None) -> InformationAccount:
        """All measures of the rows."""
        settings, regions = self.settings, None
        said = outputs(everything.data, meaning=settings.meaning, vocabulary=settings.vocabulary)
        if settings.encoder is not None:
            said, regions = with_meanings(said, anchors, settings.encoder, rng=self.streams.stream("meanings"))
        said, without = self.with_logs(said, everything.data.name)
        groups = _groups(said)
        measured, whole = self.measures(said, groups)
        return narrative.InformationAccount(
            said=said,
            whole=whole,
            strategies=measured,
            moved=divergences(everything),
            without=without,
            scorer=None if self.scorer is None else cross_scoring.scorer_for(self.scorer, said).name,
            complete=everything.complete,
            beside={name: self.compared(said.take(own), everything, anchors) for name, own in groups.items()},
            regions=regions,
        )

    def with_logs(self, said: Outputs, name: str) -> tuple[Outputs, dict[str, int]]:
        """Outputs with log-probabilities, and numbers of rows without, by strategy.

        When no row has any, those of the scorer are taken: of another distribution, as far as is known, so an upper
        bound.

        Raises:
            InputError: no row has any, and there is no scorer.
        """
        has = np.isfinite(said.own)
        if has.any():
            lacking = [said.strategies[row] or "rows" for row in np.flatnonzero(~has).tolist()]
            without = {strategy: lacking.count(strategy) for strategy in dict.fromkeys(lacking)}
            return said.take(np.flatnonzero(has).tolist()), without
        if self.scorer is None:
            raise InputError(
                f"{name}: none of the {len(said):,} rows has `token_logprobs`",
                expected="log-probabilities of the tokens of every row, in nats",
                todo="generate with log-probabilities, or let a model score the rows: --generator smollm2",
            )
        scorer, own = cross_scoring.scorer_for(self.scorer, said), np.empty(len(said))
        names = list(dict.fromkeys(said.prompts))
        for k, prompt in enumerate(names):
            self.progress("scoring rows under their prompts", k / len(names))
            chosen = [row for row, its in enumerate(said.prompts) if its == prompt]
            asked = cross_scoring.prompt_of(said, chosen[0])
            own[chosen] = scorer.score(
                asked, [said.texts[row] for row in chosen], [not said.cut[row] for row in chosen]
            )
        bad = np.flatnonzero(~np.isfinite(own))
        if bad.size:
            raise cross_scoring.unsayable(said.ids[int(bad[0])], scorer)
        raw = np.ones(len(said), dtype=bool)
        return replace(said, own=own, raw=raw, tokens=np.maximum(said.bytes / 4, 1.0)), {}

    def measures(
        self, said: Outputs, groups: Mapping[str, Sequence[int]]
    ) -> tuple[dict[str, GroupMeasures], GroupMeasures]:
        """The measures of each strategy, and of all outputs."""
        crossed = {name: self._crossed(said.take(own), self.streams.child(name)) for name, own in groups.items()}
        measured = {name: measure(said.take(own), crossed[name]) for name, own in groups.items()}
        if len(groups) == 1:
            return measured, next(iter(measured.values()))
        return measured, measure(said, self._crossed(said, self.streams.child("the run")))

    def _crossed(self, said: Outputs, streams: Streams) -> Cross | None:
        if self.scorer is None:
            return None
        return cross_scoring.cross_scores(
            said,
            self.scorer,
            rng=streams.stream("prompts"),
            prompts=self.settings.prompts,
            samples=self.settings.samples,
            progress=lambda stage, done: self.progress(stage, 0.1 + 0.7 * done),
        )

    def compared(self, said: Outputs, everything: UncuratedRows, anchors: Dataset | None) -> RealComparison:
        """Novelty, divergence and gain of the kept rows of a strategy, where measurable."""
        if anchors is None:
            return RealComparison()
        at = {name: row for row, name in enumerate(everything.data.ids)}
        kept = [k for k, name in enumerate(said.ids) if everything.gone is None or not everything.gone[at[name]]]
        if not kept:
            return RealComparison(nothing_kept=True)
        rows = everything.data.take([at[said.ids[k]] for k in kept])
        found = _novelty(rows, anchors, said.take(kept))
        if not self.settings.gain:
            return RealComparison(estimates=found)
        try:
            result = audit(anchors, rows, seed=self.seed)
        except InputError as error:
            return RealComparison(estimates=found, refused=error.came)
        audited = {name: result.estimates[name] for name in AUDITED if name in result.estimates}
        return RealComparison(estimates={**found, **audited})


def _groups(said: Outputs) -> dict[str, list[int]]:
    """The outputs of each strategy, in the order in which strategies first come."""
    return {
        name: [row for row, own in enumerate(said.strategies) if own == name] for name in dict.fromkeys(said.strategies)
    }


def _novelty(rows: Dataset, real: Dataset, said: Outputs) -> dict[str, Estimate]:
    """``novelty.surprisal``: nats per byte under an n-gram model of the real rows.

    With it, as a reference, comes that of real rows the model did not learn from. Pairs count their response.
    """
    if len(real) < FEWEST or rows.kind is not real.kind:
        return {}
    side = "response" if "response" in real.sides else "text"
    texts = list(real.sides[side])
    nats, sizes = NgramModel().fit(texts).surprisal(list(rows.sides[side]))
    design, _ = design_of(said)
    found = ratio(nats, sizes.astype(np.float64) + 1.0, design)  # the end counts as one symbol
    fold = np.arange(len(texts)) % FOLDS
    held, length = 0.0, 0.0
    for part in range(FOLDS):
        model = NgramModel().fit([text for text, own in zip(texts, fold, strict=True) if own != part])
        own_nats, own_sizes = model.surprisal([text for text, own in zip(texts, fold, strict=True) if own == part])
        held, length = held + float(own_nats.sum()), length + float(own_sizes.sum() + len(own_sizes))
    estimate = found.estimate(
        design,
        method="byte n-gram model fitted on the real rows; ratio of means over prompts, prompts resampled",
        estimand="surprisal of outputs, per byte and end, under a proxy model trained on the real rows",
        unit="nats per byte",
        references={"held-out real rows": held / length},
    )
    return {"novelty.surprisal": estimate}


def _estimates(account: InformationAccount) -> dict[str, Estimate]:
    """All estimates by id; those of a strategy have it as their part."""
    found = {**account.whole.estimates, **account.moved}
    for name, part in account.strategies.items():
        own = {**part.estimates, **account.beside[name].estimates}
        if len(account.strategies) == 1:
            found |= own
            continue
        found |= {f"{key}@{name}": item for key, item in own.items() if "@" not in key}
    return dict(sorted(found.items()))


def _sets(account: InformationAccount) -> dict[str, object]:
    """Strategies as ``report.json`` stores datasets."""
    return {
        name or "rows": {
            "estimates": {
                key: item.as_json() for key, item in {**part.estimates, **account.beside[name].estimates}.items()
            },
            "findings": [],
        }
        for name, part in account.strategies.items()
    }


def _lost(said: Outputs, everything: UncuratedRows) -> dict[str, float]:
    """Fraction of the surprisal of all rows that each step dropped."""
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
