"""The words of all measures."""
