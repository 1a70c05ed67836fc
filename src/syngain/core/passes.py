"""Passes over blocks of rows: map every block, merge the parts in block order, finalize.

A task turns a block into per-row values or integers. Sums of floating point numbers stay with the driver, in one order,
so that the result does not depend on who ran the tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Block = TypeVar("Block")
Part = TypeVar("Part")
Block_contra = TypeVar("Block_contra", contravariant=True)
Piece = TypeVar("Piece")
Merged_co = TypeVar("Merged_co", covariant=True)


class Pass(Protocol[Block_contra, Piece, Merged_co]):
    """What is computed in one pass: a task per block, and how its parts are merged."""

    def map(self, block: Block_contra, /) -> Piece:
        """The part of one block; it knows no other block."""
        ...

    def merge(self, parts: Iterator[Piece], /) -> Merged_co:
        """The result from the parts of all blocks, in block order."""
        ...


class Runner(Protocol):
    """Runs the tasks of a pass; parts come back in block order, whoever is done first."""

    def __call__(self, task: Callable[[Block], Part], blocks: Iterable[Block], /) -> Iterator[Part]:
        """The parts, in the order of the blocks."""
        ...


def in_process(task: Callable[[Block], Part], blocks: Iterable[Block]) -> Iterator[Part]:
    """Run the tasks one after another in this process."""
    return map(task, blocks)


def run(work: Pass[Block, Part, Merged_co], blocks: Iterable[Block], *, runner: Runner = in_process) -> Merged_co:
    """Map every block, then merge the parts in block order."""
    return work.merge(runner(work.map, blocks))
