"""The version of syngain, in one place, and that of its numbers."""

__version__ = "0.1.0"
NUMBERS = 1
"""Raised whenever the same inputs, settings and seed give other numbers: older runs are then not resumed."""
