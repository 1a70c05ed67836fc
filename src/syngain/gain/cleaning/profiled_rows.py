"""A profile as rows of a file, as points of a picture, and as fractions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syngain.core.estimate import Estimate
from syngain.core.phrases import shortened
from syngain.core.result import MapPoint
from syngain.gain.cleaning.methods import METHODS
from syngain.gain.cleaning.profile import GROUPS
from syngain.inference.intervals import share_intervals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Flags
    from syngain.gain.cleaning.profile import LabelProfile

TEXT = 300  # characters of a row in the picture


def profile_records(profile: LabelProfile, ids: Sequence[str], labels: Sequence[str]) -> list[dict[str, object]]:
    """The lines of ``profile.jsonl``, in the order of the file; ``syngain_drop`` lists the methods that name a row."""
    named = {name: method(profile).drop for name, method in METHODS.items()}
    columns = {
        "confidence": profile.confidence,
        "aleatoric": profile.aleatoric,
        "epistemic": profile.epistemic,
        "margin": profile.margin,
        "wrong": profile.wrong,
    }
    groups = profile.groups
    return [
        {
            "id": ids[row],
            "label": labels[row],
            "group": groups[row],
            **{name: round(float(values[row]), 6) for name, values in columns.items()},
            "named_by": [name for name, drop in named.items() if drop[row]],
        }
        for row in range(profile.label.size)
    ]


def profile_shares(profile: LabelProfile) -> dict[str, Estimate]:
    """``profile.easy``, ``profile.ambiguous``, ``profile.hard``: fractions of the rows, with Wilson intervals."""
    groups = np.array(profile.groups)
    return {
        f"profile.{name}": Estimate(
            value=float(np.mean(groups == name)),
            unit="share",
            method="mean probability of the given label under models that have not seen the row: easy from 75%, "
            "hard up to 25%",
            estimand=f"fraction of {name} rows among fresh rows, given these models",
            intervals=share_intervals(groups == name),
            n=groups.size,
            clusters=groups.size,
        )
        for name in GROUPS
    }


def map_points(
    profile: LabelProfile, drop: Flags, named: tuple[Sequence[str], Sequence[str], Sequence[str]], side: str
) -> tuple[MapPoint, ...]:
    """Variability across, confidence upwards; ``named``: ids, texts and labels of the rows."""
    ids, texts, labels = named
    across, up = profile.aleatoric, profile.confidence
    return tuple(
        MapPoint(
            x=round(float(across[row]), 4),
            y=round(float(up[row]), 4),
            group="dropped" if drop[row] else side,
            id=ids[row],
            text=shortened(texts[row], TEXT),
            label=labels[row],
        )
        for row in range(profile.label.size)
    )


def map_note(method: str, *, kept: bool) -> str:
    """What the picture shows."""
    rows = f"rows that the method {method} names" + (", kept by the verdict" if kept else "")
    return (
        "Across: variability, the mean of p (1 - p). Upwards: confidence, the mean probability p of the given label, "
        f"by models that have not seen the row. Crosses: {rows}."
    )
