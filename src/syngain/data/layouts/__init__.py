"""Layouts of rows, and conversion between them."""

from syngain.data.layouts.convert import LAYOUTS, Converted, convert_rows, detect_layout, layout_named
from syngain.data.layouts.entry import Emitted, Entry, Layout, LayoutError

__all__ = [
    "LAYOUTS",
    "Converted",
    "Emitted",
    "Entry",
    "Layout",
    "LayoutError",
    "convert_rows",
    "detect_layout",
    "layout_named",
]
