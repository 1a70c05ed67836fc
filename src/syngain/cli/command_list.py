"""The list of commands in groups, each with its whole line of help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Evaluate": ("audit", "gain", "compare", "select", "clean", "mix", "gate", "explain", "review", "stress"),
    "Generate": ("generate", "probe", "information", "convert"),
    "Train": ("train",),
    "Research": ("strategies", "ggmi", "loop", "lab"),
    "Setup": ("demo", "models"),
}


class GroupedCommands(TyperGroup):
    """Lists commands under their groups instead of in one list."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  (classes of the click inside typer)
        """Write a section for each group; commands of no group come last."""
        known = {name: command for name in self.list_commands(ctx) if (command := self.get_command(ctx, name))}
        rest = tuple(name for name in known if not any(name in names for names in GROUPS.values()))
        for title, names in (*GROUPS.items(), ("Other", rest)):
            lines = [(name, known[name].get_short_help_str(limit=64)) for name in names if name in known]
            if lines:
                with formatter.section(title):
                    formatter.write_dl(lines, col_max=12)
