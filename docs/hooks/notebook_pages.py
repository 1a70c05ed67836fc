"""The pages of the notebooks: their words, code, output and pictures as they were saved."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


OUTPUT = re.compile(r"(?<=\n```\n)\n+(?P<said>(?:    [^\n]*\n|[ \t]*\n)+)")


def page(path: Path) -> dict[str, str | bytes]:
    """The page of a notebook and its pictures, by file name."""
    from nbconvert import MarkdownExporter

    text, resources = MarkdownExporter().from_filename(str(path))
    pictures = {f"{path.stem}-{name}": content for name, content in resources["outputs"].items()}
    for name in resources["outputs"]:
        text = text.replace(f"]({name})", f"]({path.stem}-{name})")
    title, rest = OUTPUT.sub(_said, text).split("\n", 1)
    note = f"[This page as a notebook]({path.name}), to run and to change."
    return {f"{path.stem}.md": f"{title}\n\n{note}\n{rest}", **pictures}


def _said(match: re.Match[str]) -> str:
    """What a cell printed, as a block of its own kind, which wraps; pictures follow their cell as they are."""
    said = textwrap.dedent(match["said"]).strip()
    return f"\n``` {{.text .said}}\n{said}\n```\n\n" if said else match.group(0)
