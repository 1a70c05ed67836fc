"""Slow readable twins of fast code: loops where the library has arrays."""
