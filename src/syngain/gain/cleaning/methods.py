"""Methods that name rows to drop, with how many: by the rows themselves, never by the rows that measure the gain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from syngain.core.errors import UsageError
from syngain.gain.cleaning.label_noise import bounded, normalized_margin, off_diagonal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Flags, Floats
    from syngain.gain.cleaning.profile import LabelProfile


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
    return Suspects(bounded(profile.label, profile.wrong > 0.5, profile.wrong), profile.wrong)


def by_confident_learning(profile: LabelProfile) -> Suspects:
    """Rows off the diagonal of the confident joint, by their normalized margin."""
    probability = profile.mean
    score = 1 - normalized_margin(probability, profile.label)
    return Suspects(bounded(profile.label, off_diagonal(probability, profile.label), score), score)


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
