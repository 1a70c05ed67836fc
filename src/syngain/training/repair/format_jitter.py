"""Format jitter: strip or vary the common opening in a fraction of the rows.

A transform of a dataset of prompts and responses; prompts, ids, sources and the other columns stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syngain.core.errors import InputError, UsageError
from syngain.data.columns.roles import Kind
from syngain.training.repair.openings import agreement, pieces, shared_start, template_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from syngain.data.dataset import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Jitter:
    """Settings of format jitter.

    Attributes:
        ``share``: fraction of the rows that have it. openings: replacements, each as likely as none; default: removal.
    """

    share: float = 0.75
    openings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise UsageError(
                f"jitter for a fraction of {self.share} of the rows",
                expected="above 0, at most 1",
                todo="set `share`, for example to 0.8",
            )

    def __call__(self, rows: Dataset, rng: np.random.Generator) -> Dataset:
        """Strip or vary the opening in a random fraction of the rows that have it.

        It strips the longest start, in whole words, that more than half of the rows with the most common opening
        have. A response that is only this start keeps it: an empty one would train empty answers.

        Raises:
            InputError: the rows are not pairs of prompt and response.
        """
        if rows.kind is not Kind.PAIR:
            raise InputError(
                f"{rows.name} holds rows of kind {rows.kind}",
                expected="pairs of prompt and response",
                todo="name the fields: --text prompt+response",
            )
        name, responses = list(rows.sides.items())[1]
        jittered = list(responses)
        for row, rest in self._affected(responses, rng):
            choice = int(rng.integers(len(self.openings) + 1))
            jittered[row] = rest if choice == 0 else f"{self.openings[choice - 1]} {rest}"
        return replace(rows, sides={**rows.sides, name: jittered})

    def _affected(self, responses: Sequence[str], rng: np.random.Generator) -> list[tuple[int, str]]:
        """Rows whose opening is removed, with the rest of each."""
        found = template_of(responses)
        split = {row: pieces(responses[row]) for row in found.rows}
        start = shared_start(list(split.values()))
        left = {
            row: "".join(words[len(start) :])
            for row, words in split.items()
            if start and agreement(words, start) == len(start) and len(words) > len(start)
        }
        chosen = rng.permutation(sorted(left))[: round(self.share * len(left))]
        return [(int(row), left[int(row)]) for row in sorted(chosen)]
