"""Sentences of ``select``, ``compare`` and ``mix``, from estimates that know none."""
