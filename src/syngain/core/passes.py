"""Passes over blocks of rows: map every block, merge the parts, finalize.

A task turns a block into per-row values or integers. Sums of floating point numbers stay with the driver, in one order,
so that the result is independent of the runner.
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
    """One pass: a task per block, and the merge of its parts."""

    def map(self, block: Block_contra, /) -> Piece:
        """The part of one block, independent of other blocks."""
        ...

    def merge(self, parts: Iterator[Piece], /) -> Merged_co:
        """Merge the parts of all blocks into the result."""
        ...


class Runner(Protocol):
    """Runner of the tasks of a pass; returns parts in block order."""

    def __call__(self, task: Callable[[Block], Part], blocks: Iterable[Block], /) -> Iterator[Part]:
        """The parts, in block order."""
        ...


def in_process(task: Callable[[Block], Part], blocks: Iterable[Block]) -> Iterator[Part]:
    """Run the tasks one after another in this process."""
    return map(task, blocks)


def run(work: Pass[Block, Part, Merged_co], blocks: Iterable[Block], *, runner: Runner = in_process) -> Merged_co:
    """Map every block, then merge the parts in block order."""
    return work.merge(runner(work.map, blocks))
