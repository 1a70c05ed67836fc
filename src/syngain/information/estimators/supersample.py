"""Conditional mutual information (CMI) of learners, estimated from supersamples.

A supersample is n pairs of rows; a mask takes one of each pair for training, and both are evaluated. The information of
a pair's outcome on the mask is conditional on the pair [steinke2020]:

* f-CMI of the two predictions [harutyunyan2021], e-CMI of the two losses [hellstrom2022], ld-CMI of their difference
  [wang2023]; each is a function of the one before, so ``ld <= e <= f`` pair by pair, also as estimated;
* for losses in [0, 1] the gap is at most the mean over pairs of ``sqrt(2 I)`` [wang2023];
* for 0-1 losses of a learner without training errors the information of pairs pooled, in units of ln 2, is the test
  error: a pair identifies the training row exactly where the other row is misclassified.

The plug-in estimate of k masks and m values is too high by about ``(m - 1) / (2 k)`` [miller1955]; this is subtracted
from each pair, and the value for permuted masks is reported next to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints

Kind = Literal["ld", "e", "f"]
KINDS: tuple[Kind, ...] = ("ld", "e", "f")


@dataclass(frozen=True)
class Supersamples:
    """Outcomes of s supersamples of n pairs under k masks each.

    Attributes:
        loss: of both rows of every pair (s, k, n, 2), in [0, 1].
        second: whether the second row of the pair was trained on, the first otherwise (s, k, n).
        guess: the class predicted for both rows (s, k, n, 2); None where there are no classes.
    """

    loss: Floats
    second: Flags
    guess: Ints | None = None

    def __post_init__(self) -> None:
        if self.loss.ndim != 4 or self.loss.shape[-1] != 2 or self.second.shape != self.loss.shape[:-1]:
            raise UsageError(
                f"losses of shape {self.loss.shape}, masks of shape {self.second.shape}",
                expected="losses (s, k, n, 2) and masks (s, k, n)",
                todo="reshape the losses or the masks",
            )
        if not (np.isfinite(self.loss).all() and self.loss.min() >= 0 and self.loss.max() <= 1):
            raise UsageError(
                "losses outside [0, 1]",
                expected="losses from 0 to 1, for which the bounds hold",
                todo="use a bounded loss, such as 0/1 error",
            )

    @property
    def trained(self) -> Floats:
        """Loss of the rows trained on (s, k, n)."""
        return np.where(self.second, self.loss[..., 1], self.loss[..., 0])

    @property
    def held(self) -> Floats:
        """Loss of the rows held out (s, k, n)."""
        return np.where(self.second, self.loss[..., 0], self.loss[..., 1])

    def gaps(self) -> Floats:
        """Held-out minus training loss of each supersample (s,)."""
        return np.asarray((self.held - self.trained).mean(axis=(1, 2)))

    def symbols(self, kind: Kind) -> Ints:
        """The outcome of every pair as a code (s, k, n), equal within a pair if equal.

        Raises:
            UsageError: ``f`` without predictions.
        """
        if kind == "f":
            if self.guess is None:
                raise UsageError(
                    "f-CMI (conditional mutual information) of a learner without classes",
                    expected="ld or e",
                    todo="pass kind='ld', or the predicted classes as guess",
                )
            return np.asarray(self.guess[..., 0] * (int(self.guess.max()) + 1) + self.guess[..., 1])
        steps = np.unique(self.loss, return_inverse=True)[1].reshape(self.loss.shape)
        if kind == "e":
            return np.asarray(steps[..., 0] * (int(steps.max()) + 1) + steps[..., 1])
        difference = np.round(self.loss[..., 1] - self.loss[..., 0], 12)
        return np.asarray(np.unique(difference, return_inverse=True)[1].reshape(difference.shape))

    def information(self, kind: Kind) -> Floats:
        """Plug-in information of each pair on its mask (s, n), biased upwards.

        In nats, at most ln 2.
        """
        return pair_information(self.symbols(kind), self.second)

    def corrected(self, kind: Kind) -> Floats:
        """The same, bias-corrected [miller1955] (s, n); single pairs may be below zero."""
        symbols = self.symbols(kind)
        return pair_information(symbols, self.second) - chance(symbols, self.second)

    def pooled(self, kind: Kind = "ld") -> Floats:
        """Information of all pairs and masks of a supersample pooled (s,), in nats.

        Pairs are exchangeable, so a code must mean the same in all of them: only differences of losses do.

        Raises:
            UsageError: another kind than ``ld``.
        """
        if kind != "ld":
            raise UsageError(
                f"pooled {kind}-CMI (conditional mutual information)",
                expected="ld: only loss differences are comparable between pairs",
                todo="pass kind='ld'",
            )
        shape = (self.loss.shape[0], -1, 1)
        return pair_information(self.symbols(kind).reshape(shape), self.second.reshape(shape))[:, 0]

    def null(self, kind: Kind, rng: np.random.Generator, draws: int = 20) -> Floats:
        """Mean information over pairs with permuted masks (draws,), bias-corrected."""
        symbols = self.symbols(kind)
        out = np.empty(draws)
        for draw in range(draws):
            masks = rng.permuted(self.second, axis=1)
            out[draw] = float(np.mean(pair_information(symbols, masks) - chance(symbols, masks)))
        return out

    def bound(self, kind: Kind) -> Floats:
        """The largest gap this information allows, per supersample (s,).

        Mean over pairs of ``sqrt(2 I)``. It uses the upward-biased plug-in information, so the bound is conservative.
        """
        return np.asarray(np.sqrt(2 * self.information(kind)).mean(axis=1))


def pair_information(symbols: Ints, second: Flags) -> Floats:
    """Plug-in mutual information of codes and masks over masks, per pair, in nats.

    Args:
        symbols: codes (s, k, n).
        second: masks (s, k, n).

    Returns:
        (s, n), between 0 and ln 2.
    """
    both = _entropy(symbols * 2 + second)
    found = _entropy(symbols) + _entropy(second.astype(np.int64)) - both
    return np.clip(found, 0.0, math.log(2))


def chance(symbols: Ints, second: Flags) -> Floats:
    """Mean plug-in information of independent codes and masks (s, n).

    ``(m - 1) (u - 1) / (2 k)``.
    """
    values, masks = _distinct(symbols), _distinct(second.astype(np.int64))
    return np.asarray((values - 1) * (masks - 1) / (2 * symbols.shape[1]))


def _entropy(codes: Ints) -> Floats:
    """Plug-in entropy over the middle axis, (s, n), in nats.

    ``ln k`` minus the mean log of the own count.
    """
    ordered = np.sort(codes, axis=1)
    ahead, behind = np.ones(ordered.shape), np.zeros(ordered.shape)  # own code at and before, and after, its place
    for i in range(1, ordered.shape[1]):
        ahead[:, i] += np.where(ordered[:, i] == ordered[:, i - 1], ahead[:, i - 1], 0)
        behind[:, -1 - i] = np.where(ordered[:, -1 - i] == ordered[:, -i], behind[:, -i] + 1, 0)
    return np.asarray(math.log(codes.shape[1]) - np.log(ahead + behind).mean(axis=1))


def _distinct(codes: Ints) -> Floats:
    """Number of distinct codes over the middle axis (s, n)."""
    ordered = np.sort(codes, axis=1)
    return np.asarray(1.0 + np.count_nonzero(np.diff(ordered, axis=1), axis=1))
