"""Named random streams: a change in one measure never changes another's draws."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Streams:
    """Independent random generators by name, from one seed.

    ``Streams(0).stream("vendi")`` is the same generator at every call.
    """

    seed: int = 0
    path: Sequence[str] = ()

    def stream(self, *names: str) -> np.random.Generator:
        """A fresh generator for this name."""
        digest = hashlib.sha256("/".join((*self.path, *names)).encode()).digest()
        words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
        return np.random.default_rng(np.random.SeedSequence([self.seed, *words]))

    def child(self, *names: str) -> Streams:
        """The streams under a name."""
        return Streams(self.seed, (*self.path, *names))
