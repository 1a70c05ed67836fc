"""Stress tests of a classifier of tables: where it fails, rows of the tails, and what they add."""
