"""Outcome of a measurement: estimates, verdict, sentences."""
