"""Estimators on arrays: information from log-probabilities. Pure."""
