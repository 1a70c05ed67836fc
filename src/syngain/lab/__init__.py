"""Worlds that know their own truth, loops, experiments."""
