"""``syngain lab llm``: the theory's quantities on a real language model, next to exactly solved simulations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syngain.core.documents.warned import carried
from syngain.core.errors import InputError
from syngain.core.progress import Progress, silent
from syngain.core.rng import Streams
from syngain.data.dataset import Dataset
from syngain.data.text.normal_forms import joined_sides
from syngain.lab.planted.sets import demo_sets
from syngain.workflows.inputs import Source, dataset_of, settings_json
from syngain.workflows.research.llm_grid import grid
from syngain.workflows.research.strategies import strategies
from syngain.workflows.research.strategy_settings import StrategySettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from syngain.core.result import Result
    from syngain.lab.planted.rows import PlantedRow

ANCHORS, ROWS, TEST = 60, 80, 200  # real rows of a draw, generated rows of a cell, test rows
QUICK_ANCHORS, QUICK_ROWS, QUICK_TEST = 40, 60, 80
STUDENTS = 8
ABOUT, OTHERS = "sentences from the documentation of a program", "short texts"


@carried
def lab_llm(  # noqa: PLR0913  (the rows and switches of the command)
    real: Source | None = None,
    *,
    test: Source | None = None,
    generator: str = "smollm2",
    about: str | None = None,
    quick: bool = False,
    rows: int | None = None,
    students: int | None = None,
    seed: int = 0,
    folder: Path | None = None,
    resume: bool = False,
    progress: Progress = silent,
) -> Result:
    """Compare 26 strategies (8 with ``quick``) by a language model: which quantity orders them as their gain does?

    Args:
        real: real rows; their texts alone are used. None: sentences of Python's documentation, with ``test``.
        test: other real rows.
        generator: ``smollm2``, another local model, or ``toy`` (a Markov chain of the real rows; no model needed).
        about: what the rows are, in words for the prompts, such as ``questions of bank customers``.
        quick: 8 cells, one draw of 40 real rows.
        rows: generated rows of a strategy; None: 80, with ``quick`` 60.
        students: strategies whose rows the generator is fine-tuned on as well; None: 8, with ``quick`` or ``toy`` none.
        seed: of every random choice.
        folder: where finished cells are kept until the result is written.
        resume: continue from what ``folder`` holds.
        progress: called with the stage and the fraction done.

    Raises:
        InputError: the rows cannot be used. MissingDependencyError: the model or its library is missing.
        UsageError: ``folder`` holds an unfinished run that is not to be resumed, or another one.
    """
    sets = lab_rows(real, test, quick=quick, seed=seed)
    ours, held = sets["real"], sets["test"]
    draws = 1 if quick else 2
    settings = StrategySettings(
        draws=draws,
        anchors=min(QUICK_ANCHORS if quick else ANCHORS, len(ours) // draws),
        proxy="auto" if generator == "toy" else "frozen",
        model="smollm2" if generator == "toy" else generator,
        students=students if students is not None else 0 if quick or generator == "toy" else STUDENTS,
        exact=True,
    )
    said = about or (ABOUT if real is None else OTHERS)
    count = rows or (QUICK_ROWS if quick else ROWS)
    recipes = grid(generator, ours.sides["text"], about=said, rows=count, quick=quick)
    found = strategies(
        recipes, ours, test=held, settings=settings, seed=seed, folder=folder, resume=resume, progress=progress
    )
    return replace(found, command="lab", settings=settings_json(None, generator=generator, about=said, quick=quick))


def lab_rows(
    real: Source | None = None, test: Source | None = None, *, quick: bool = False, seed: int = 0
) -> dict[str, Dataset]:
    """The rows as texts without labels, test rows up to the limit: the language model reads and writes texts.

    Raises:
        InputError: a file cannot be read, or has no text.
    """
    if real is None or test is None:
        sets = demo_sets(0, defects=())
        ours, held = (_texts([row["text"] for row in rows], name) for name, rows in _named(sets.real, sets.test))
    else:
        first = dataset_of(real)
        second = dataset_of(test, like=first)
        if not first.sides:
            raise InputError(
                f"{first.name} is a table of columns",
                expected="texts, which a language model continues",
                todo="name the text column, or use `syngain strategies` with your own recipes",
            )
        ours, held = (_texts(joined_sides(list(item.sides.values())), item.name) for item in (first, second))
    limit = QUICK_TEST if quick else TEST
    order = Streams(seed).stream("lab llm", "test").permutation(len(held))
    return {"real": ours, "test": held.take(sorted(order[:limit].tolist()))}


def _named(real: Sequence[PlantedRow], test: Sequence[PlantedRow]) -> Iterator[tuple[str, Sequence[PlantedRow]]]:
    yield from (("real", real), ("test", test))


def _texts(texts: Sequence[str], name: str) -> Dataset:
    return Dataset.from_rows([{"text": text} for text in texts], name=name)
