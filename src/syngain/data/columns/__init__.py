"""Columns: roles, values, content, tables."""
