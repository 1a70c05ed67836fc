"""The methods by name, for the command line and configuration files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.errors import UsageError
from syngain.selection.candidates import Random, RepeatsLast, Then
from syngain.selection.determinant import LogDeterminant
from syngain.selection.facility import FacilityLocation
from syngain.selection.faithful import Coverage, DensityRatio
from syngain.selection.noise import Confidence, Profile
from syngain.selection.surprisal import ConditionalRatio, LogProbability, SurprisalBand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.selection.candidates import Method

METHODS: Mapping[str, Method] = {
    "random": Random(),
    "facility_location": FacilityLocation(),
    "log_determinant": LogDeterminant(),
    "density_ratio": DensityRatio(),
    "coverage": Coverage(),
    "surprisal_band": SurprisalBand(),
    "log_probability": LogProbability(),
    "conditional_ratio": ConditionalRatio(),
    "faithful_then_diverse": Then(DensityRatio(drawn=False), FacilityLocation()),
    "confidence": Confidence(),
    "confident_then_diverse": Then(Confidence(), FacilityLocation()),
    "easy": Profile("easy"),
    "ambiguous": Profile("ambiguous"),
    "hard": Profile("hard"),
}


def method_named(name: str, *, repeats_last: bool = True) -> Method:
    """A method by its name, with repeats behind everything else unless told otherwise; never for ``random``.

    Raises:
        UsageError: there is no such method.
    """
    if name not in METHODS:
        raise UsageError(f"method {name}", expected=f"one of {', '.join(METHODS)}")
    return RepeatsLast(METHODS[name]) if repeats_last and name != "random" else METHODS[name]
