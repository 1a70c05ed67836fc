"""Estimators of information on arrays, in nats."""
