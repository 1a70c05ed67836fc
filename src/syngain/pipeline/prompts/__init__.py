"""Prompts: real rows, templates and schemas to requests."""
