"""Proxy models: fit, predict, log-probabilities. No accounting."""
