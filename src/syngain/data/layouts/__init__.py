"""Layouts of rows, and conversion between them."""

from syngain.data.layouts.convert import LAYOUTS, WRITTEN, detect_layout, layout_named
from syngain.data.layouts.entry import Emitted, Entry, Layout, LayoutError
from syngain.data.layouts.rewriting import Converted, Rewriting, convert_rows, target_named

__all__ = [
    "LAYOUTS",
    "WRITTEN",
    "Converted",
    "Emitted",
    "Entry",
    "Layout",
    "LayoutError",
    "Rewriting",
    "convert_rows",
    "detect_layout",
    "layout_named",
    "target_named",
]
