"""The command line: one file per command. Parses, calls one verb, renders. Loads nothing heavy before it must."""

from syngain.cli.app import main

__all__ = ["main"]
