"""Proxy models: fitting, predictions, log-probabilities."""
