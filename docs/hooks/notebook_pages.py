"""The pages of the notebooks: their words, code, output and pictures as they were saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def page(path: Path) -> dict[str, str | bytes]:
    """The page of a notebook and its pictures, by file name."""
    from nbconvert import MarkdownExporter

    text, resources = MarkdownExporter().from_filename(str(path))
    pictures = {f"{path.stem}-{name}": content for name, content in resources["outputs"].items()}
    for name in resources["outputs"]:
        text = text.replace(f"]({name})", f"]({path.stem}-{name})")
    title, rest = text.split("\n", 1)
    note = f"[This page as a notebook]({path.name}), to run and to change."
    return {f"{path.stem}.md": f"{title}\n\n{note}\n{rest}", **pictures}
