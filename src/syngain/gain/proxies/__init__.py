"""Proxy models as tasks: losses per real row."""
