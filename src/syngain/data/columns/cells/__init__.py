"""Cells of special rows: preferences, tokens and tags, candidates, and parts that are no text."""
