"""Methods that name rows to drop, with how many: by the rows themselves, never by the rows that measure the gain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from syngain.core.errors import UsageError
from syngain.gain.cleaning.label_noise import NoiseFloor, normalized_margin, off_diagonal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Flags, Floats
    from syngain.gain.cleaning.profile import LabelProfile

LARGEST = 0.5  # of the rows of a class, dropped at most


@dataclass(frozen=True, slots=True)
class Suspects:
    """Rows to drop.

    Attributes:
        drop: whether a row is named (n,). score: how suspect its label is (n,), larger is more.
    """

    drop: Flags
    score: Floats


class CleaningMethod(Protocol):
    """Names rows to drop by their profile."""

    def __call__(self, profile: LabelProfile) -> Suspects:
        """The rows; deterministic."""


def by_profile(profile: LabelProfile) -> Suspects:
    """Rows whose label is more probably wrong than right, given the noise floor."""
    probability = profile.mean
    wrong = NoiseFloor.of(probability, profile.label).wrong_label(probability, profile.label)
    return _bounded(profile, wrong > 0.5, wrong)


def by_confident_learning(profile: LabelProfile) -> Suspects:
    """Rows off the diagonal of the confident joint, by their normalized margin."""
    probability = profile.mean
    score = 1 - normalized_margin(probability, profile.label)
    return _bounded(profile, off_diagonal(probability, profile.label), score)


METHODS: Mapping[str, CleaningMethod] = {"profile": by_profile, "confident": by_confident_learning}
"""Methods by name; the first decides where none is named."""


def cleaning_method(name: str) -> CleaningMethod:
    """The method of a name.

    Raises:
        UsageError: there is no such method.
    """
    if name not in METHODS:
        raise UsageError(f"unknown method {name!r}", expected=f"one of {', '.join(METHODS)}", todo="use profile")
    return METHODS[name]


def _bounded(profile: LabelProfile, drop: Flags, score: Floats) -> Suspects:
    """At most half of the rows of a class: the most suspect ones, in the order of the file where they are equal."""
    out = drop.copy()
    for code in np.unique(profile.label):
        rows = np.flatnonzero(profile.label == code)
        named = rows[drop[rows]]
        most = int(LARGEST * rows.size)
        if named.size > most:
            out[named[np.argsort(-score[named], kind="stable")[most:]]] = False
    return Suspects(out, score)
