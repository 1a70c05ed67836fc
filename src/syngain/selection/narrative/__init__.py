"""Sentences of ``select``, ``compare`` and ``mix``."""
