"""Images, sounds and videos in rows: counted, kept, not read as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.phrases import listed
from syngain.data.rows import show_names

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from syngain.data.rows import Loaded

KINDS = ("image", "audio", "video", "file")
COLUMNS = ("images", "image", "audios", "audio", "videos", "video")


def notes(loaded: Loaded, fields: Sequence[str], parts: Counter[str]) -> list[str]:
    """A note on the parts of messages that are no text, and on columns of images; none where there are none."""
    out = []
    if parts:
        counts = listed([f"{count:,} {kind} part{'s' * (count != 1)}" for kind, count in parts.most_common()])
        out.append(f"{counts} in messages: kept in the rows, not measured")
    columns = [name for name in loaded.fields if name.strip().casefold() in COLUMNS and name not in fields]
    held = [name for name in columns if loaded.fields[name].count and not _is_number(loaded, name)]
    if held and fields:
        rows = max(loaded.fields[name].count for name in held)
        out.append(f"{show_names(held)} in {rows:,} rows: kept in the rows, not measured")
    return out


def may_have_parts(loaded: Loaded, fields: Sequence[str]) -> bool:
    """Whether a field holds lists: only those can hold parts."""
    firsts = [(name, loaded.fields[name].first) for name in fields if name in loaded.fields]
    return any(first >= 0 and isinstance(loaded.rows[first].get(name), (list, dict)) for name, first in firsts)


def count_parts(cells: Sequence[object], counts: Counter[str]) -> None:
    """Count the parts of the messages of a row that are no text, by kind."""
    for cell in cells:
        for message in cell if isinstance(cell, list) else (cell,):
            content = (message.get("content") or message.get("value")) if isinstance(message, dict) else None
            if isinstance(content, list):
                kinds = [part.get("type") for part in content if isinstance(part, dict)]
                counts.update(word for kind in kinds if isinstance(kind, str) for word in KINDS if word in kind)


def _is_number(loaded: Loaded, name: str) -> bool:
    return isinstance(loaded.rows[loaded.fields[name].first].get(name), (int, float))
