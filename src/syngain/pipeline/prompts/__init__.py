"""Prompts: real rows, templates and schemas become requests."""
