"""Repair of a student that learned a pattern: losses, sampling, metrics of the pattern, ablation."""
