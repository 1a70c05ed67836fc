"""Named random streams: a change in one measure never changes another's draws."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Streams:
    """Independent random generators by name, from one seed.

    ``Streams(0).stream("vendi")`` is the same generator at every call.
    """

    seed: int = 0
    path: Sequence[str] = ()

    def __post_init__(self) -> None:
        _check_seed(self.seed)

    def stream(self, *names: str) -> np.random.Generator:
        """A fresh generator for this name."""
        digest = hashlib.sha256("/".join((*self.path, *names)).encode()).digest()
        words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
        return np.random.default_rng(np.random.SeedSequence([self.seed, *words]))

    def child(self, *names: str) -> Streams:
        """The streams under a name."""
        return Streams(self.seed, (*self.path, *names))


def _check_seed(seed: object) -> None:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or int(seed) < 0:
        raise UsageError(f"the seed {seed!r}", expected="a whole number of at least 0", todo="pass seed=0")
