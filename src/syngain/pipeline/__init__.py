"""Anchors to prompts to generation to curation, and the run store. Knows no command and no report."""
