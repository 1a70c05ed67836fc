"""Sentences on a student's run: its plan and its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.training.student.time_budget import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.learners.completions import TokenizedRows
    from syngain.training.student.time_budget import Arm, TimeBudget

SLOWER = "the machine was slower than measured"


def plan_sentence(plan: TimeBudget) -> str:
    """The plan of a run, shown before it starts."""
    arms = ", ".join(NAMES[arm] for arm in plan.arms)
    seeds = "1 seed" if plan.seeds == 1 else f"{plan.seeds} seeds"
    where = " of the first seed" if plan.once else ""
    search = f"{plan.rates} learning rates compared over {plan.race} steps{where}" if plan.race else "one learning rate"
    step = max(plan.speed.step.values())
    reduced = [mark for mark in plan.marks if mark != "one seed"]
    return (
        f"plan: {arms}; {plan.steps} steps of {plan.batch} rows, {seeds}, {search}, {plan.rows} of {plan.all_rows} "
        f"test rows; about {plan.seconds / 60:.1f} minutes ({step:.2f} s per step, {plan.speed.row:.3f} s per test "
        f"row)" + (f"; reduced to fit: {', '.join(reduced)}" if reduced else "")
    )


def fewer_seeds(done: int, planned: int) -> str:
    """Note that the last seeds were left out."""
    return f"{SLOWER}: {done} of {planned} seeds"


def fewer_rows(rows: int) -> str:
    """Note that fewer rows were scored."""
    return f"{SLOWER}: compared on {rows} test rows"


def arm_left_out(arm: Arm, seed: int) -> str:
    """Note that a variant did not run in a seed."""
    return f"{SLOWER}: {NAMES[arm]} not run in seed {seed + 1}"


def unseen_rows(shown: int, pool: int) -> tuple[str, ...]:
    """Note that real + synthetic did not see all its rows."""
    return (f"{NAMES['both']} saw at most {shown} of its {pool} rows in each seed",) if shown < pool else ()


def cut_rows(sides: Mapping[str, TokenizedRows]) -> tuple[str, ...]:
    """Notes on rows longer than the token limit."""
    return tuple(
        f"{side.cut} of the {len(side.read)} {name} read are longer than {side.reader.max_tokens} tokens and were "
        "truncated"
        for name, side in sides.items()
        if side.cut
    )
