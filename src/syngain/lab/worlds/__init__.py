"""Simulations that know their true values."""
