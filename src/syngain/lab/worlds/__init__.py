"""Simulations with known true values."""
