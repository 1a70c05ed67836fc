"""Several cell models of the same rows: what of generated rows is due to the model, not to the real rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syngain.core.rng import Streams
from syngain.tables.cells.kinds import KeyColumn
from syngain.tables.cells.model import CellModel
from syngain.tables.cells.table import GeneratedTable, TableModel
from syngain.tables.derived import computed_last

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.tables.cells.model import CellSettings
    from syngain.tables.cells.table import Cells

FEWEST = 5  # different real rows of a member


def fitted_members(
    model: TableModel,
    cells: Cells,
    count: int,
    *,
    first: int = 0,
    settings: CellSettings | None = None,
    seed: int = 0,
) -> tuple[TableModel, ...]:
    """Models that differ by seed, order of the columns and real rows, in the columns' reading of ``model``.

    The real rows of a member are those of a bootstrap sample, each once: repeated rows would count as unseen ones
    where parts are weighed by rows left out.

    Args:
        model: of all real rows.
        cells: the real rows.
        count: of members.
        first: columns of the file that stay the first ones: those that are given, and the label.
        settings: what a model consists of.
        seed: of the members.
    """
    rows = len(next(iter(cells.values())))
    coded = dict(zip(model.order, model.coded(cells), strict=True))
    ahead = list(dict.fromkeys(name for name, _ in model.order))[:first]
    out = []
    for at in range(count):
        streams = Streams(seed).child("members", str(at))
        kept = np.unique(streams.stream("rows").integers(0, rows, rows))
        if kept.size < FEWEST:
            kept = np.arange(rows)
        order = _shuffled(model.order, ahead, streams.stream("order"))
        parts = [coded[item].take(kept) for item in order]
        fixed = sum(name in ahead for name, _ in order)
        ordered = computed_last([part.raw() for part in parts], [part.step for part in parts], fixed)
        own = int(streams.stream("seed").integers(2**31 - 1))
        fitted = CellModel.fit([parts[place] for place in ordered], settings, own)
        out.append(TableModel(model.codecs, tuple(order[place] for place in ordered), fitted))
    return tuple(out)


def _shuffled(
    order: Sequence[tuple[str, int]], ahead: Sequence[str], rng: np.random.Generator
) -> list[tuple[str, int]]:
    """Columns in another order, the parts of each together and in their order."""
    parts: dict[str, list[tuple[str, int]]] = {}
    for item in order:
        parts.setdefault(item[0], []).append(item)
    others = [name for name in parts if name not in ahead]
    names = [*ahead, *(others[at] for at in rng.permutation(len(others)).tolist())]
    return [item for name in names for item in sorted(parts[name])]


def sample_members(
    members: Sequence[TableModel], rows: int, seed: int = 0, *, temperature: float = 1.0, given: Mapping[str, str]
) -> GeneratedTable:
    """Rows of all members, equally many of each, in turn; log-probabilities are those of the member of each row.

    Raises:
        UsageError: a given value that a member cannot condition on.
    """
    counts = [rows // len(members) + (at < rows % len(members)) for at in range(len(members))]
    streams = Streams(seed).child("members")
    seeds = [int(streams.stream(str(at)).integers(2**31 - 1)) for at in range(len(members))]
    parts = [
        model.sample(count, own, temperature=temperature, given=given)
        for model, count, own in zip(members, counts, seeds, strict=True)
        if count
    ]
    member = np.repeat(np.arange(len(parts)), [part.rows for part in parts])
    place = np.concatenate([np.arange(part.rows) for part in parts])
    turn = np.lexsort((member, place))
    columns: dict[str, Sequence[object]] = {}
    for name in parts[0].columns:
        whole = [cell for part in parts for cell in part.columns[name]]
        columns[name] = [whole[at] for at in turn.tolist()]
        codec = members[0].codecs[name]
        if isinstance(codec, KeyColumn):
            columns[name] = codec.key.new(rows, streams.stream("keys", name))
    logprob = np.concatenate([part.logprob for part in parts])[turn]
    return GeneratedTable(columns, parts[0].modeled, logprob, member[turn])
