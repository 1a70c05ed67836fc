"""Draws any result, never computes: the terminal summary, the page and the run folder."""

from syngain.report.folder import check_folder, load, write
from syngain.report.page import html
from syngain.report.summary import terminal

__all__ = ["check_folder", "html", "load", "terminal", "write"]
