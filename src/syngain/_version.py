"""The version of syngain, in one place."""

__version__ = "0.1.0"
