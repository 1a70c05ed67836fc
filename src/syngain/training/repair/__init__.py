"""Repair of pattern overfitting: losses, sampling, metrics, ablation."""
