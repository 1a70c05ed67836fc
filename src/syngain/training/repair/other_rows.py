"""Real rows of other kinds than the real rows: some to rehearse, some to choose by, some to report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.data.columns.roles import Kind
from syngain.data.splits import folds
from syngain.data.text.near_duplicates import shared_clusters
from syngain.learners.completions import TokenizedRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Flags, Ints
    from syngain.core.rng import Streams
    from syngain.data.dataset import Dataset
    from syngain.learners.completions import Reader

FEWEST = 12


@dataclass(frozen=True, slots=True)
class OtherRows:
    """Rows of other kinds, divided by near-duplicate clusters.

    Attributes:
        side: the rows in tokens. cluster: near-duplicate cluster of each (n,).
        rehearsed: positions of the rows that a variant trains on. scored: of the rows that are scored, (m,).
        reported: whether a scored row is reported (m,), the first ones; the others choose the variant.
        left_out: rows that repeat real, synthetic or test rows.
    """

    side: TokenizedRows
    cluster: Ints
    rehearsed: Ints
    scored: Ints
    reported: Flags
    left_out: int

    @classmethod
    def of(cls, reader: Reader, rows: Dataset, known: Sequence[Dataset], *, most: int, streams: Streams) -> OtherRows:
        """Divide rows of other kinds in three parts; at most ``most`` rows choose, and as many are reported.

        Args:
            reader: of the model.
            rows: of other kinds.
            known: real, synthetic and test rows, none of which is kept.
            most: rows in each part that is scored.
            streams: of the division.

        Raises:
            InputError: no pairs of prompt and response, or fewer than 12 clusters that are not among ``known``.
        """
        if rows.kind is not Kind.PAIR:
            raise InputError(
                f"{rows.name} holds rows of kind {rows.kind}",
                expected="pairs of prompt and response to retain",
                todo="name the fields: --text retain=prompt+response",
            )
        near = shared_clusters(texts(rows), *(texts(data) for data in known))
        own, others = near[: len(rows)], np.unique(near[len(rows) :])
        new = np.flatnonzero(~np.isin(own, others))
        if np.unique(own[new]).size < FEWEST:
            raise InputError(
                f"{rows.name} has {np.unique(own[new]).size} rows that differ from each other and from the other files",
                expected=f"at least {FEWEST} real rows of other kinds than REAL",
                todo="add rows of other kinds to the file of --retain, or omit --retain",
            )
        deal = folds(own[new], 3, streams.stream("other rows"))
        shuffled = streams.stream("other order").permutation(new.size)
        parts = [new[shuffled[deal[shuffled] == part]] for part in range(3)]
        choosing, reported = parts[1][:most], parts[2][:most]
        return cls(
            side=TokenizedRows(reader, rows),
            cluster=own,
            rehearsed=parts[0],
            scored=np.concatenate([reported, choosing]),
            reported=np.arange(choosing.size + reported.size) < reported.size,
            left_out=len(rows) - new.size,
        )


def texts(rows: Dataset) -> list[str]:
    """Prompt and response of each row as one text."""
    return ["\n".join(sides) for sides in zip(*rows.sides.values(), strict=True)]
