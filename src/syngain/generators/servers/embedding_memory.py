"""Embeddings that were paid for, by text, in a temporary file: no text is sent twice in a process."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats


@dataclass
class EmbeddingMemory:
    """Embeddings of ``width`` coordinates as float32, in a file without a name, removed at the end of the process."""

    width: int
    _rows: dict[bytes, int] = field(default_factory=dict)
    _file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)

    def __del__(self) -> None:
        self._file.close()

    def missing(self, texts: Sequence[str]) -> list[str]:
        """The different texts without an embedding, in their order."""
        return [text for text in dict.fromkeys(texts) if _digest(text) not in self._rows]

    def add(self, texts: Sequence[str], found: Floats) -> None:
        """Keep the embeddings (n, width) of new texts."""
        self._file.seek(0, 2)
        self._file.write(np.ascontiguousarray(found, dtype="<f4").tobytes())
        self._file.flush()
        first = len(self._rows)
        self._rows |= {_digest(text): first + place for place, text in enumerate(texts)}

    def of(self, texts: Sequence[str]) -> Floats:
        """The embeddings of known texts (n, width)."""
        if not texts:
            return np.zeros((0, self.width))
        rows = np.array([self._rows[_digest(text)] for text in texts], dtype=np.intp)
        kept = np.memmap(self._file, dtype="<f4", mode="r", shape=(len(self._rows), self.width))
        return kept[rows].astype(np.float64)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]
