"""Cases: anchors, synthetic rows and a real test. A task with a drawing of anchors gives one case for every arm.

An arm is a way to fill the synthetic side: the first set of the task at 10, 30 and 100 %, every other set, the anchors
repeated, the first set with its labels shuffled (without labels: with its words scrambled), and more real rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.core.rng import Streams
from syngain.data import read
from syngain.data.dataset import Dataset
from syngain.data.text.normal_forms import normal_text
from syngain.gain.design.overlap import apart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Row = dict[str, str]

SHARES = (0.1, 0.3, 1.0)
KEPT = 0.8  # of the anchors in each drawing
ANCHORS, TEST = 300, 1_000  # at most
FEWEST = 10  # rows of an arm: fewer have no neighbors and no folds
FILES = ("anchors", "synthetic", "test", "pool")  # of a case that a person brings; the pool may be missing


@dataclass(frozen=True, kw_only=True)
class Task:
    """What the cases of a task are drawn from. Rows have ``text`` or ``prompt`` and ``completion``, and may have
    ``label`` and ``source``: the text, or the prompt, of the anchor a row was made from.

    Attributes:
        sets: name to synthetic rows; the first one is cut into fractions. pool: more real rows, maybe none.
        most: synthetic rows in an arm. about: what it is, in a sentence.
    """

    name: str
    anchors: Sequence[Row]
    sets: Mapping[str, Sequence[Row]]
    test: Sequence[Row]
    pool: Sequence[Row] = ()
    most: int = 1_500
    about: str = ""


@dataclass(frozen=True)
class Case:
    """One question: what do these synthetic rows add to these anchors on rows like those of the test?"""

    task: str
    split: int
    arm: str
    anchors: Dataset = field(repr=False)
    synthetic: Dataset = field(repr=False)
    test: Dataset = field(repr=False)

    @property
    def name(self) -> str:
        """As ``--only`` and the results name it."""
        return f"{self.task}/{self.split}/{self.arm}"


def cases(task: Task, split: int) -> list[Case]:
    """All arms of a task for one drawing of its anchors: the same anchors and the same test for each.

    Test rows that stand among the anchors or in any arm are left out. The rows of anchors that were not drawn leave
    with them: these anchors join the pool.
    """
    streams = Streams(split, (task.name,))
    order = streams.stream("anchors").permutation(len(task.anchors))
    count = min(ANCHORS, round(KEPT * len(task.anchors)))
    drawn = [task.anchors[i] for i in np.sort(order[:count])]
    pool = [*task.pool, *(task.anchors[i] for i in order[count:])] if task.pool else []
    gone = {_key(task.anchors[i]) for i in order[count:]} - {_key(row) for row in drawn}
    sets = {name: [row for row in rows if _source(row) not in gone] for name, rows in task.sets.items()}
    filled = arms(drawn, sets, pool, streams=streams, most=task.most)
    real = Dataset.from_rows(drawn, "anchors")
    made = {name: Dataset.from_rows(rows, name, like=real) for name, rows in filled.items()}
    every = Dataset.from_rows([row for rows in filled.values() for row in rows], "every arm", like=real)
    tested = streams.stream("test").permutation(len(task.test))[:TEST]
    test = Dataset.from_rows([_plain(task.test[i]) for i in np.sort(tested)], "test", like=real)
    left = apart(real, every, test, None).test
    return [Case(task.name, split, name, real, rows, left) for name, rows in made.items()]


def arms(
    anchors: Sequence[Row], sets: Mapping[str, Sequence[Row]], pool: Sequence[Row], *, streams: Streams, most: int
) -> dict[str, list[Row]]:
    """Arm to its rows. Fractions are nested; repeated anchors are as many rows as the whole first set.

    Arms of fewer than 10 rows are left out.

    Raises:
        InputError: the first set is that small.
    """
    out: dict[str, list[Row]] = {}
    for number, (name, rows) in enumerate(sets.items()):
        order = streams.stream("rows", name).permutation(len(rows))[:most]
        for share in SHARES if number == 0 else (1.0,):
            out[f"{name} {share:.0%}"] = [rows[i] for i in np.sort(order[: max(round(share * order.size), 1)])]
    whole = out[f"{next(iter(sets))} 100%"]
    if len(whole) < FEWEST:
        raise InputError(f"{len(whole)} synthetic rows", expected=f"at least {FEWEST} rows of the anchors drawn")
    out["anchors repeated"] = [_copy(anchors[i % len(anchors)]) for i in range(len(whole))]
    if "label" in anchors[0]:
        labels = streams.stream("labels").permutation([row["label"] for row in whole]).tolist()
        out["labels shuffled"] = [row | {"label": label} for row, label in zip(whole, labels, strict=True)]
    else:
        out["words scrambled"] = scrambled(whole, streams.stream("words"))
    if pool:
        chosen = streams.stream("pool").permutation(len(pool))[: len(anchors)]
        out["real rows"] = [_plain(pool[i]) for i in np.sort(chosen)]
    return {name: rows for name, rows in out.items() if len(rows) >= FEWEST}


def scrambled(rows: Sequence[Row], rng: np.random.Generator) -> list[Row]:
    """The same words in random order, in what a language model is judged by."""
    side = "completion" if "completion" in rows[0] else "text"
    return [row | {side: " ".join(rng.permutation(row[side].split()).tolist())} for row in rows if row[side].split()]


def own_task(folder: Path) -> Task:
    """The task of a folder with ``anchors.*``, ``synthetic.*`` and ``test.*`` (and ``pool.*``, when there is one).

    Raises:
        InputError: a file is missing or there twice.
    """
    found = {name: sorted(folder.glob(f"{name}.*")) for name in FILES}
    for name, files in found.items():
        if len(files) > 1 or (not files and name != "pool"):
            came = f"{folder.name} has {len(files)} files {name}.*"
            raise InputError(came, expected="one file each: anchors.*, synthetic.*, test.*; pool.* may be missing")
    anchors = read(found["anchors"][0])
    others = {name: read(files[0], like=anchors) for name, files in found.items() if files and name != "anchors"}
    return Task(
        name=folder.name,
        anchors=rows_of(anchors),
        sets={"synthetic": rows_of(others["synthetic"])},
        test=rows_of(others["test"]),
        pool=rows_of(others["pool"]) if "pool" in others else (),
        about="a case of your own",
    )


def rows_of(dataset: Dataset) -> list[Row]:
    """A dataset in the words of :class:`Task`.

    Raises:
        InputError: a table: the learners here read text.
    """
    if not dataset.sides:
        raise InputError(f"{dataset.name} is a table of columns", expected="texts, or prompts with responses")
    names = {"text": "text", "prompt": "prompt", "response": "completion"}
    columns = {names[side]: list(values) for side, values in dataset.sides.items()}
    if dataset.labels is not None:
        columns["label"] = list(dataset.labels)
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    sources = dataset.sources or [None] * len(rows)
    return [row | {"source": source} if source else row for row, source in zip(rows, sources, strict=True)]


def _copy(row: Row) -> Row:
    return _plain(row) | {"source": row.get("text") or row["prompt"]}


def _plain(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "source"}


def _key(row: Row) -> str:
    return normal_text(row.get("text") or row["prompt"])


def _source(row: Row) -> str:
    return normal_text(row["source"]) if row.get("source") else ""
