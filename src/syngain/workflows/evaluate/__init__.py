"""Evaluate datasets: audit, gain, compare, select, mix, gate."""
