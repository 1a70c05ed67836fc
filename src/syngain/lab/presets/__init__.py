"""Presets of the simulation lab."""
