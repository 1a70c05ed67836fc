"""The gain part of an audit: of all rows, and of the rows it advises to keep."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.core.progress import Progress, part_of, silent
from syngain.gain.proxies.metrics import SECONDARY
from syngain.workflows.evaluate.gain import QUICK, QUICK_FROZEN, GainPart, GainSettings, gain_part, reader_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.audit.measure import Settings
    from syngain.core.estimate import Estimate
    from syngain.core.rng import Streams
    from syngain.data.study import Study

KEPT = replace(QUICK, amounts=1, controls=False, balanced=False)
KEPT_FROZEN = replace(QUICK_FROZEN, amounts=1, controls=False)
QUICK_MINUTES = 5.0
DROPPED = 0.01  # below this fraction of dropped rows the gain is not measured again


def quick_gain(
    study: Study,
    kept: Sequence[int],
    *,
    streams: Streams,
    settings: Settings | None = None,
    progress: Progress = silent,
) -> GainPart:
    """The gain part of an audit: of all rows, and of the rows it advises to keep.

    Raises:
        InputError: why the gain of all rows cannot be measured.
    """
    quick = GainSettings(quick=True, minutes=QUICK_MINUTES) if settings is None else _quick(settings)
    study, rows = study.judged_by(None, None), len(study.synthetic)
    part = gain_part(study, streams=streams, settings=quick, progress=part_of(progress, 0.65, 0.85))
    if len(kept) == rows or rows - len(kept) < DROPPED * rows:
        return replace(part, kept_verdict=part.verdict)
    try:
        rest = gain_part(
            study.take(synthetic=kept),
            streams=streams.child("kept"),
            settings=replace(quick, design=KEPT if reader_of(quick, study.real) is None else KEPT_FROZEN),
            progress=part_of(progress, 0.85, 1.0),
        )
    except InputError:  # nothing is kept, or nothing to learn from: the audit reports it
        return part
    found, deciding = _of_kept(rest)
    verdict = replace(rest.verdict, estimate=deciding)
    costs = part.costs if rest.costs is None or part.costs is None else part.costs.plus(rest.costs)
    return replace(part, estimates={**part.estimates, **found}, kept_verdict=verdict, costs=costs)


def _quick(settings: Settings) -> GainSettings:
    """The quick setting, with the encoder and the proxy of an audit."""
    return GainSettings(
        quick=True,
        encoder=settings.encoder,
        proxy=settings.proxy,
        model=settings.model,
        minutes=QUICK_MINUTES if settings.minutes is None else settings.minutes,
    )


def _of_kept(rest: GainPart) -> tuple[dict[str, Estimate], str]:
    """The estimates of the kept rows under ids of their own, and the id that decides."""
    primary = f"gain.{rest.found.metric}"
    ids = {f"{primary}@expected": f"{primary}@kept"}
    ids |= {f"gain.{metric}": f"gain.{metric}@kept" for metric in SECONDARY}
    if rest.verdict.estimate == f"{primary}@chosen":
        ids[rest.verdict.estimate] = f"{primary}@kept_chosen"
    of_kept = "of adding the kept rows to all real rows"
    found = {
        ids[name]: replace(item, estimand=item.estimand.replace("of adding all rows to all real rows", of_kept))
        for name, item in rest.estimates.items()
        if name in ids
    }
    return found, ids.get(rest.verdict.estimate, "")
