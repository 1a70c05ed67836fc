"""Gain of a synthetic dataset: controls, forecast, curves, equivalent real rows."""
