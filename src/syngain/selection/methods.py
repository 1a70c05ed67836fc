"""Selection methods by name, for the command line and configuration files."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from syngain.core.errors import InputError, UsageError
from syngain.core.progress import Progress, silent
from syngain.selection.candidates import Random, RepeatsLast, Then
from syngain.selection.conditional import ConditionalRatio, LanguageModel
from syngain.selection.density_ratio import Coverage, DensityRatio
from syngain.selection.determinant import LogDeterminant
from syngain.selection.facility import FacilityLocation
from syngain.selection.label_confidence import Confidence, Profile
from syngain.selection.surprisal import LogProbability, SurprisalBand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.data.dataset import Dataset
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


OF_CLASSES = frozenset({"confidence", "confident_then_diverse", "easy", "ambiguous", "hard"})
"""Methods that need labels of classes."""


def check_target(name: str, real: Dataset) -> None:
    """Whether a method can choose among rows with this kind of target.

    Raises:
        InputError: it needs classes.
    """
    if real.targets is not None and name in OF_CLASSES:
        raise InputError(
            f"method {name} with targets of the kind {real.targets.kind}",
            expected="classes, or a method that needs none",
            todo="choose --method faithful_then_diverse, or read classes: --target class",
        )


def _nearest(name: str) -> str:
    near = get_close_matches(name, METHODS, n=1)
    return f"choose --method {near[0] if near else 'random'}"


def method_named(
    name: str, *, repeats_last: bool = True, model: str | None = None, progress: Progress = silent
) -> Method:
    """The method of a name, near-duplicates last by default, never for ``random``.

    Args:
        name: of the method.
        repeats_last: whether near-duplicates go behind all others.
        model: the causal language model of ``conditional_ratio``; None is a word model.
        progress: called while that model scores.

    Raises:
        UsageError: there is no such method, or it uses no language model.
    """
    if name not in METHODS:
        raise UsageError(f"unknown method {name!r}", expected=f"one of {', '.join(METHODS)}", todo=_nearest(name))
    if model is not None and name != "conditional_ratio":
        raise UsageError(
            f"method {name} with the language model {model}",
            expected="no --model: only conditional_ratio uses one",
            todo="omit --model, or choose --method conditional_ratio",
        )
    method = METHODS[name] if model is None else ConditionalRatio(LanguageModel(model, progress=progress))
    return RepeatsLast(method) if repeats_last and name != "random" else method
